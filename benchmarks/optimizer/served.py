"""The optimizer served: 32 callers against the same number of processes that call the domain function; memory.

    python -m benchmarks.optimizer.served [--requests 10000] [--callers 32]

Starts the real service on the shipped knowledge base. Requests are for 30 products with class bands, each with
another risk aversion. The callers are a process of their own on the same cores and count against the service. The
service is to reach half of the direct rate, and workers are not to grow. At last long requests are cancelled.
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

from benchmarks.optimizer.client import ask_many, kb_job, serving
from benchmarks.optimizer.workers import Cancel, cancelled, resident_mebibytes, worker_ids
from services.optimizer.answers import OptimizeJob, WarmUpJob
from services.optimizer.engine import answer
from services.optimizer.market import MarketStore
from services.optimizer.objective import MeanVarianceUtility
from services.optimizer.solve import Solver

_KB = Path(__file__).parents[2] / "kb"
_WARM_UP_REQUESTS = 1_000
_START_SECONDS = 120.0
_AVERSIONS = 50
_CANCELS = 3
# What a process of the direct measurement works with, one entry.
_PREPARED: list[tuple[OptimizeJob, Solver]] = []


def main(arguments: Sequence[str] | None = None) -> int:
    """Print rates and memory; return the exit status."""
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
        asyncio.run(serving(address))
        pids = worker_ids(service.pid)
        memory, asked = {0: resident_mebibytes(pids)}, min(requests, _WARM_UP_REQUESTS)
        started = asyncio.run(ask_many(address, data, asked, callers, _AVERSIONS))
        memory[asked] = resident_mebibytes(pids)
        rate = asyncio.run(ask_many(address, data, requests - asked or asked, callers, _AVERSIONS))
        memory[requests] = resident_mebibytes(pids)
        cancels = [asyncio.run(cancelled(address, data, service.pid)) for _ in range(_CANCELS)]
    finally:
        service.terminate()
        service.wait()
        log.close()
    print(f"served, {callers} callers: {rate:.0f} requests/s, {rate / direct:.2f} of direct ({started:.0f} at first)")
    _print_memory(pids, memory)
    _print_cancels(cancels)
    return 0


def _print_memory(pids: list[int], memory: dict[int, dict[int, float]]) -> None:
    """Print the resident memory of each worker, by the number of requests answered before."""
    print("resident memory after " + " ".join(f"{asked:>10}" for asked in memory) + "  requests")
    for number, pid in enumerate(pids):
        sizes = [found.get(pid, float("nan")) for found in memory.values()]
        print(f"worker {number}, MiB        " + " ".join(f"{size:>10.1f}" for size in sizes))


def _print_cancels(cancels: list[Cancel]) -> None:
    """Print how long workers used the CPU after a caller had cancelled."""
    for found in cancels:
        print(
            f"cancelled after {found.before:.0f} ms of CPU: workers used {found.after:.0f} ms more, "
            f"the last of it {found.last:.0f} ms after (goal: 200 ms)"
        )


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


if __name__ == "__main__":
    sys.exit(main())
