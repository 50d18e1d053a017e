"""The optimizer served: 32 callers against the same number of processes that call the domain function; memory.

    python -m benchmarks.optimizer.served [--requests 10000] [--callers 32]

Starts the real service on the shipped knowledge base. Requests are for 30 products with class bands, each with
another risk aversion. The callers are a process of their own on the same cores and count against the service. The
service is to reach half of the direct rate, and workers are not to grow.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.optimizer.client import ask_many, kb_job
from services.optimizer.answers import OptimizeJob, WarmUpJob
from services.optimizer.engine import answer
from services.optimizer.market import MarketStore
from services.optimizer.objective import MeanVarianceUtility
from services.optimizer.solve import Solver

_KB = Path(__file__).parents[2] / "kb"
_WARM_UP_REQUESTS = 1_000
_START_SECONDS = 120.0
_AVERSIONS = 50
# What a process of the direct measurement works with, one entry.
_PREPARED: list[tuple[OptimizeJob, Solver]] = []


def main(arguments: Sequence[str] | None = None) -> int:
    """Print rates and memory; return the exit status."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    parser = argparse.ArgumentParser(prog="python -m benchmarks.optimizer.served")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--callers", type=int, default=32)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        ingest = [sys.executable, "-m", "services.optimizer.ingest", str(_KB), str(data / "market")]
        subprocess.run(ingest, check=True, stdout=subprocess.DEVNULL)
        workers = len(os.sched_getaffinity(0))
        direct = _direct_rate(data, workers, min(options.requests, _WARM_UP_REQUESTS))
        print(f"load {os.getloadavg()[0]:.1f}; direct, {workers} processes: {direct:.0f} requests/s", flush=True)
        return _served(data, options.requests, options.callers, direct)


def _served(data: Path, requests: int, callers: int, direct: float) -> int:
    port_file = data / "port"
    settings = {"FIDUCIA_DATA_DIR": str(data), "FIDUCIA_PORT_FILE": str(port_file), "FIDUCIA_PORT": "0"}
    log = (data / "log").open("wb")
    service = subprocess.Popen(
        [sys.executable, "-m", "services.optimizer"], env={**os.environ, **settings}, stdout=log, stderr=log
    )
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not port_file.exists():
            if time.monotonic() > deadline or service.poll() is not None:
                raise RuntimeError(f"the service did not start: {(data / 'log').read_text()[-400:]}")
            time.sleep(0.1)
        address = f"127.0.0.1:{port_file.read_text().strip()}"
        started = asyncio.run(ask_many(address, data, min(requests, _WARM_UP_REQUESTS), callers, _AVERSIONS))
        before = _workers_kilobytes(service.pid)
        rate = asyncio.run(ask_many(address, data, requests, callers, _AVERSIONS))
        after = _workers_kilobytes(service.pid)
    finally:
        service.terminate()
        service.wait()
        log.close()
    print(f"served, {callers} callers: {rate:.0f} requests/s, {rate / direct:.2f} of direct ({started:.0f} at first)")
    grown = {pid: after[pid] - kilobytes for pid, kilobytes in before.items() if pid in after}
    for pid, kilobytes in grown.items():
        print(f"worker {pid}: {after[pid] / 1024:.0f} MiB resident, {kilobytes:+d} KiB over {requests} requests")
    return 0


def _direct_rate(data: Path, workers: int, requests: int) -> float:
    """Return how many requests a second that many processes answer without a service."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, _prepare, (str(data),)) as pool:
        pool.map(_answer_some, [_AVERSIONS] * workers, chunksize=1)
        started = time.monotonic()
        pool.map(_answer_some, [requests // workers] * workers, chunksize=1)
        return requests / (time.monotonic() - started)


def _prepare(data: str) -> None:
    store = MarketStore(Path(data) / "market")
    store.refresh()
    market = store.market("")
    solver = Solver()
    answer(WarmUpJob(len(market.factors)), solver)
    _PREPARED.append((kb_job(market), solver))


def _answer_some(count: int) -> None:
    job, solver = _PREPARED[0]
    for number in range(count):
        answer(replace(job, objective=MeanVarianceUtility(2.0 + number % _AVERSIONS)), solver)


def _workers_kilobytes(service: int) -> dict[int, int]:
    """Return the resident memory of the service's worker processes, by process id."""
    tasks = Path(f"/proc/{service}/task").glob("*/children")
    resident = {}
    for pid in (int(pid) for path in tasks for pid in path.read_text().split()):
        if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
            status = Path(f"/proc/{pid}/status").read_text()
            resident[pid] = int(status.split("VmRSS:")[1].split()[0])
    return resident


if __name__ == "__main__":
    sys.exit(main())
