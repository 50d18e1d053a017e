"""What the system says of a service's worker processes: resident memory, CPU time, how soon a cancel stops them."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fiducia.optimizer.v1 import optimizer_service_pb2_grpc as rpc

from benchmarks.optimizer.client import kb_jobs, message_of
from services.optimizer.market import MarketStore
from shared.client import connect

# The most that a request may ask for, each under a limit on the volatility: seconds of work.
_MOST_RESAMPLES = 200
_MAX_VOLATILITY = 0.08
_LOOK_SECONDS = 0.005
_WATCHED_SECONDS = 1.0
_STARTED_SECONDS = 0.3


def worker_ids(service: int) -> list[int]:
    """Return the process ids of the service's workers, sorted."""
    children = (
        int(pid) for path in Path(f"/proc/{service}/task").glob("*/children") for pid in path.read_text().split()
    )
    return sorted(pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes())


def resident_mebibytes(pids: list[int]) -> dict[int, float]:
    """Return the resident memory of the processes that are still there."""
    statuses = {pid: Path(f"/proc/{pid}/status") for pid in pids}
    texts = {pid: path.read_text() for pid, path in statuses.items() if path.exists()}
    return {pid: int(text.split("VmRSS:")[1].split()[0]) / 1024 for pid, text in texts.items()}


@dataclass(frozen=True)
class Cancel:
    """Milliseconds of CPU that the workers used before and after a cancel, and by the clock when they last did."""

    before: float
    after: float
    last: float


async def cancelled(address: str, data: Path, service: int) -> Cancel:
    """Return what a long request used of the workers' CPU before and after it was cancelled."""
    store = MarketStore(data / "market")
    store.refresh()
    message = message_of(kb_jobs(store.market(""))[0])
    message.resamples, message.problem.limits.max_volatility = _MOST_RESAMPLES, _MAX_VOLATILITY
    async with connect(address) as channel:
        stub: Any = rpc.OptimizerServiceStub(channel)
        pids = await _at_rest(service)
        before = _cpu_nanoseconds(pids)
        call = stub.OptimizePortfolio(message)
        await asyncio.sleep(_STARTED_SECONDS)
        call.cancel()
        at_cancel = _cpu_nanoseconds(pids)
        after, last = await _used(pids, _WATCHED_SECONDS)
        return Cancel((at_cancel - before) / 1e6, after, last)


async def _at_rest(service: int) -> list[int]:
    """Return the workers once they use no CPU any more: one that replaces another has to warm up first."""
    while True:
        pids = worker_ids(service)
        used, _ = await _used(pids, _WATCHED_SECONDS)
        if used == 0.0 and pids == worker_ids(service):
            return pids


async def _used(pids: list[int], seconds: float) -> tuple[float, float]:
    """Return the CPU milliseconds that these processes use from now on, and after how many they were last seen to.

    A process that ends counts with what was last seen of it.
    """
    started, last = time.monotonic(), 0.0
    first = {pid: _run_nanoseconds(pid) or 0 for pid in pids}
    seen = dict(first)
    while time.monotonic() < started + seconds:
        await asyncio.sleep(_LOOK_SECONDS)
        now = {pid: _run_nanoseconds(pid) or seen[pid] for pid in pids}
        if now != seen:
            seen, last = now, 1e3 * (time.monotonic() - started)
    return (sum(seen.values()) - sum(first.values())) / 1e6, last


def cpu_seconds(pid: int) -> float:
    """Return what all threads of the process have run, in seconds."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def _cpu_nanoseconds(pids: list[int]) -> int:
    return sum(_run_nanoseconds(pid) or 0 for pid in pids)


def _run_nanoseconds(pid: int) -> int | None:
    """Return what the process has run; None where it is gone."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    except (FileNotFoundError, ProcessLookupError):
        return None
