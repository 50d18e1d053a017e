"""The optimizer served: 32 callers against the same number of processes that call the domain function; memory.

    python -m benchmarks.optimizer.served [--requests 10000] [--callers 32] [--products 30 100]

Starts the real service on the shipped knowledge base. Requests have class bands and a turnover limit; fifty clients,
who differ in risk aversion and in what they hold, take turns. Served and direct rounds take turns as well, and the
callers are a process of their own on the same cores and count against the service. The service is to reach half of the
direct rate, and workers are not to grow. At last long requests are cancelled.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import multiprocessing.pool
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.optimizer.client import ask_many, kb_jobs, message_of, serving
from benchmarks.optimizer.workers import Cancel, cancelled, cpu_seconds, resident_mebibytes, worker_ids
from services.optimizer.answers import OptimizeJob, WarmUpJob
from services.optimizer.engine import answer
from services.optimizer.market import MarketStore
from services.optimizer.solve import Solver
from shared.client import connect

_KB = Path(__file__).parents[2] / "kb"
_START_SECONDS = 120.0
_CLIENTS = 50
_ROUNDS = 20
_CANCELS = 3
# What a process of the direct measurement works with.
_JOBS: dict[int, list[OptimizeJob]] = {}
_SOLVER = Solver()


def main(arguments: Sequence[str] | None = None) -> int:
    """Print rates and memory; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.optimizer.served", description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000, help="of each size, half of them direct")
    parser.add_argument("--callers", type=int, default=32, help="that wait for an answer at any time")
    parser.add_argument("--products", type=int, nargs="+", default=[30, 100], help="sizes, the first for memory")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        ingest = [sys.executable, "-m", "services.optimizer.ingest", str(_KB), str(data / "market")]
        subprocess.run(ingest, check=True, stdout=subprocess.DEVNULL)
        with _service(data) as (service, address):
            asyncio.run(_measure(data, service, address, options))
            _print_cancels([asyncio.run(cancelled(address, data, service)) for _ in range(_CANCELS)])
    return 0


@contextmanager
def _service(data: Path) -> Iterator[tuple[int, str]]:
    """Run the service; yield its process id and its address."""
    port_file = data / "port"
    settings = {"FIDUCIA_DATA_DIR": str(data), "FIDUCIA_PORT_FILE": str(port_file), "FIDUCIA_PORT": "0"}
    with (data / "log").open("wb") as log:
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
            yield service.pid, address
        finally:
            service.terminate()
            service.wait()


async def _measure(data: Path, service: int, address: str, options: argparse.Namespace) -> None:
    """Print the rates for each size, and the memory of the workers before and after."""
    workers = worker_ids(service)
    memory, each = {0: resident_mebibytes(workers)}, max(options.requests // (2 * _ROUNDS), 2 * _CLIENTS)
    context = multiprocessing.get_context("spawn")
    with context.Pool(len(workers), _prepare, (str(data), options.products)) as pool:
        async with connect(address) as channel:
            for products in options.products:
                messages = _messages(data, products)
                direct = partial(_direct_seconds, pool, len(workers), products)
                served = partial(ask_many, channel, messages, callers=options.callers)
                await asyncio.to_thread(direct, _CLIENTS)
                await served(2 * _CLIENTS)
                rounds = [
                    (await asyncio.to_thread(direct, each), *await _with_cpu(served(each), [service, *workers]))
                    for _ in range(_ROUNDS)
                ]
                _print_rates(products, options.callers, each, rounds)
                memory[max(memory) + _ROUNDS * each + 2 * _CLIENTS] = resident_mebibytes(workers)
    _print_memory(workers, memory)


async def _with_cpu(work: Awaitable[float], pids: list[int]) -> tuple[float, list[float]]:
    """Return the seconds that the work says, and what this process and the others used of the processor meanwhile."""
    before = [time.process_time(), *map(cpu_seconds, pids)]
    seconds = await work
    after = [time.process_time(), *map(cpu_seconds, pids)]
    return seconds, [b - a for a, b in zip(before, after, strict=True)]


def _print_rates(products: int, callers: int, each: int, rounds: list[tuple[float, float, list[float]]]) -> None:
    direct, served, used = zip(*rounds, strict=True)
    ratios = sorted(one / other for one, other in zip(direct, served, strict=True))
    lowest, highest = ratios[len(ratios) // 4], ratios[-1 - len(ratios) // 4]
    caller, service, *workers = (1e3 * sum(column) / (each * len(rounds)) for column in zip(*used, strict=True))
    print(
        f"{products} products, {callers} callers, load {os.getloadavg()[0]:.1f}: "
        f"{each * len(rounds) / sum(served):.0f} requests/s, {each * len(rounds) / sum(direct):.0f} direct; "
        f"{sum(direct) / sum(served):.2f} of direct (half of the rounds: {lowest:.2f} to {highest:.2f})\n"
        f"  CPU ms a request: callers {caller:.2f}, event loop {service:.2f}, workers {sum(workers):.2f}",
        flush=True,
    )


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


def _messages(data: Path, products: int) -> list[bytes]:
    store = MarketStore(data / "market")
    store.refresh()
    return [message_of(job).SerializeToString() for job in kb_jobs(store.market(""), products, _CLIENTS)]


def _direct_seconds(pool: multiprocessing.pool.Pool, workers: int, products: int, requests: int) -> float:
    """Return in how many seconds the processes answer these requests without a service."""
    started = time.monotonic()
    pool.map(_answer_some, [(products, requests // workers)] * workers, chunksize=1)
    return time.monotonic() - started


def _prepare(data: str, sizes: Sequence[int]) -> None:
    store = MarketStore(Path(data) / "market")
    store.refresh()
    market = store.market("")
    answer(WarmUpJob(len(market.factors)), _SOLVER)
    for products in sizes:
        _JOBS[products] = kb_jobs(market, products, _CLIENTS)
        _answer_some((products, 1))


def _answer_some(asked: tuple[int, int]) -> None:
    products, count = asked
    for number in range(count):
        answer(_JOBS[products][number % _CLIENTS], _SOLVER)


if __name__ == "__main__":
    sys.exit(main())
