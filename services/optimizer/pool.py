"""A bounded pool of worker processes, off the event loop: what waits is counted, what cannot be met is refused."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Coroutine
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from services.optimizer.answers import Answer, Job, Ready, WarmUpJob
from services.optimizer.in_use import SizesInUse, warm_up_for
from services.optimizer.moments import Market
from services.optimizer.pace import Pace
from services.optimizer.worker import Fault, Reply, start_worker
from shared.errors import CapacityExceeded, ServiceError

log = logging.getLogger(__name__)

# A cancelled job that ends within this keeps its worker; a longer one is killed, and a new worker starts.
_GRACE_SECONDS = 0.1
_WARM_UP_SECONDS = 120.0
_RETRY_SECONDS = 2.0
_TURN_SECONDS = 0.02


class WorkerDied(Exception):
    """A worker process ended in the middle of a job."""


class WorkerPool:
    """Runs each job on an idle worker; call `start` first and `close` last, on one event loop.

    workers: processes, one thread each.  queue: jobs that may wait for one.
    """

    def __init__(self, workers: int, queue: int, compiled_problems: int) -> None:
        self._size = workers
        self._queue = queue
        self._compiled_problems = compiled_problems
        self._idle: asyncio.Queue[_Worker] = asyncio.Queue()
        self._workers: set[_Worker] = set()
        self._chores: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self._pace = Pace()
        self._in_use = SizesInUse()
        self._warm_up = WarmUpJob(factors=0)

    @property
    def waiting(self) -> int:
        """How many jobs wait for a worker."""
        return self._waiting

    @property
    def size(self) -> int:
        """How many workers there are."""
        return self._size

    @property
    def idle(self) -> int:
        """How many workers have nothing to do."""
        return self._idle.qsize()

    @property
    def process_ids(self) -> tuple[int, ...]:
        """The workers' process ids, sorted."""
        return tuple(sorted(worker.process.pid or 0 for worker in self._workers))

    async def start(self, warm_up: WarmUpJob) -> None:
        """Start all workers and let each compile the usual problems."""
        self._warm_up = warm_up
        started = time.monotonic()
        await asyncio.gather(*(self._add_worker() for _ in range(self._size)))
        log.info("workers ready", extra={"workers": self._size, "seconds": round(time.monotonic() - started, 2)})

    async def warm_again(self, market: Market) -> None:
        """Let each worker in turn compile for another market, with the sizes in use; a new worker does from then on.

        Raises RuntimeError where a worker cannot, WorkerDied where one ends over it.
        """
        self._warm_up = warm_up_for(market, self._in_use.sizes())
        started, cold = time.monotonic(), set(self._workers)
        while cold := cold & self._workers:
            worker = await self._idle.get()
            if worker in cold:
                _expect_ready(await self._asked(worker, self._warm_up))
                cold.discard(worker)
            else:
                self._idle.put_nowait(worker)
                # The cold ones are busy; this one may be needed before they are done.
                await asyncio.sleep(_TURN_SECONDS)
        log.info("workers warm again", extra={"seconds": round(time.monotonic() - started, 2)})

    async def run(self, job: Job, seconds_left: float | None = None) -> Answer:
        """Return the answer to the job.

        seconds_left: the caller's patience, None for endless.
        Raises CapacityExceeded at once where too many jobs wait or the deadline cannot be met. A cancelled job stops.
        """
        self._admit(job, seconds_left)
        self._waiting += 1
        try:
            worker = await self._idle.get()
        finally:
            self._waiting -= 1
        started = time.monotonic()
        reply = await self._asked(worker, job)
        self._pace.note(job, time.monotonic() - started)
        self._in_use.note(job)
        return _answer(reply)

    async def close(self) -> None:
        """Kill every worker and wait until it is gone."""
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        for worker in list(self._workers):
            await self._remove(worker)

    def _admit(self, job: Job, seconds_left: float | None) -> None:
        if self._idle.empty() and self._waiting >= self._queue:
            raise CapacityExceeded(f"{self._waiting} requests are waiting already; try again later or add workers")
        needed = self._pace.seconds(job, ahead=self._waiting // self._size if self._idle.empty() else 0)
        if seconds_left is not None and needed > seconds_left:
            self._pace.ease(job)
            raise CapacityExceeded(
                f"the deadline leaves {seconds_left:.3f} s, and {needed:.3f} s are needed at the least; allow more time"
            )

    async def _asked(self, worker: _Worker, job: Job) -> Reply:
        """Return the reply of a worker that was idle, and make it idle again, or replace it where it is cut short."""
        try:
            reply = await worker.ask(job)
        except BaseException:
            self._later(self._settle(worker))
            raise
        self._idle.put_nowait(worker)
        return reply

    async def _settle(self, worker: _Worker) -> None:
        """Bring a worker whose job was cut short back into use, or replace it."""
        if await worker.is_free_within(_GRACE_SECONDS):
            self._idle.put_nowait(worker)
        else:
            log.warning("worker replaced", extra={"worker_pid": worker.process.pid})
            await self._remove(worker)
            await self._replace_worker()

    async def _replace_worker(self) -> None:
        while True:
            try:
                return await self._add_worker()
            except (OSError, RuntimeError, TimeoutError, WorkerDied):
                log.exception("a worker did not start; trying again")
            await asyncio.sleep(_RETRY_SECONDS)

    async def _add_worker(self) -> None:
        worker = _Worker(*await asyncio.to_thread(start_worker, self._compiled_problems))
        self._workers.add(worker)
        try:
            _expect_ready(await asyncio.wait_for(worker.ask(self._warm_up), _WARM_UP_SECONDS))
        except BaseException:
            worker.process.kill()
            raise
        self._idle.put_nowait(worker)

    async def _remove(self, worker: _Worker) -> None:
        self._workers.discard(worker)
        worker.process.kill()
        await asyncio.to_thread(worker.process.join)
        asyncio.get_running_loop().remove_reader(worker.connection.fileno())
        worker.connection.close()

    def _later(self, chore: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(chore)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)


class _Worker:
    """One process and the event loop's end of its connection; it answers one job at a time."""

    def __init__(self, process: BaseProcess, connection: Connection) -> None:
        self.process = process
        self.connection = connection
        self._reply: asyncio.Future[Reply] | None = None

    async def ask(self, job: Job) -> Reply:
        """Return the reply. Raises WorkerDied. Where this is cancelled, the reply may still come."""
        loop = asyncio.get_running_loop()
        self._reply = loop.create_future()
        loop.add_reader(self.connection.fileno(), self._receive, self._reply)
        try:
            self.connection.send(job)
        except OSError as error:
            loop.remove_reader(self.connection.fileno())
            raise WorkerDied(str(error)) from error
        return await asyncio.shield(self._reply)

    async def is_free_within(self, seconds: float) -> bool:
        """Wait for the reply to a job that nobody waits for any more; return whether the worker can be used again."""
        with contextlib.suppress(TimeoutError, WorkerDied):
            if self._reply is not None:
                await asyncio.wait_for(asyncio.shield(self._reply), seconds)
                return self.process.is_alive()
        return False

    def _receive(self, reply: asyncio.Future[Reply]) -> None:
        asyncio.get_running_loop().remove_reader(self.connection.fileno())
        try:
            received = self.connection.recv()
        except Exception as error:
            # The end of the process, or bytes that are no reply: either way this worker is lost.
            reply.set_exception(WorkerDied(f"the worker process ended in the middle of a job ({error!r})"))
            reply.exception()  # Marks it as seen: nobody may be waiting any more.
        else:
            reply.set_result(received)


def _expect_ready(reply: Reply) -> None:
    if not isinstance(reply, Ready):
        raise RuntimeError(f"a worker could not warm up: {reply}")


def _answer(reply: Reply) -> Answer:
    if isinstance(reply, ServiceError):
        raise reply
    if isinstance(reply, Fault):
        raise RuntimeError(f"fault in a worker:\n{reply.detail}")
    return reply
