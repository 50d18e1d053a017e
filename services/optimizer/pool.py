"""A bounded pool of worker processes, off the event loop: what waits is counted, what cannot be met is refused."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from services.optimizer.answers import Answer, Job, Ready, WarmUpJob
from services.optimizer.bundle import Ticket, next_bundle
from services.optimizer.in_use import SizesInUse, warm_up_for
from services.optimizer.moments import Market
from services.optimizer.pace import Pace
from services.optimizer.worker import Fault, Reply
from services.optimizer.worker_handle import Outcome, WorkerDied, WorkerHandle
from shared.errors import CapacityExceeded, ServiceError

log = logging.getLogger(__name__)

# A cancelled job that ends within this keeps its worker; a longer one is killed, and a new worker starts.
_GRACE_SECONDS = 0.1
_WARM_UP_SECONDS = 120.0
_RETRY_SECONDS = 2.0
_TURN_SECONDS = 1.0


class WorkerPool:
    """Runs each job on an idle worker; call `start` first and `close` last, on one event loop.

    workers: processes, one thread each.  queue: jobs that may wait for one.
    snapshots: the folder of the market snapshots that calls name.
    """

    def __init__(self, workers: int, queue: int, compiled_problems: int, snapshots: Path) -> None:
        self._size = workers
        self._queue = queue
        self._compiled_problems = compiled_problems
        self._snapshots = snapshots
        self._workers: set[WorkerHandle] = set()
        self._idle: deque[WorkerHandle] = deque()
        self._claim: tuple[set[WorkerHandle], asyncio.Future[WorkerHandle]] | None = None
        self._waiting: deque[Ticket] = deque()
        self._chores: set[asyncio.Task[None]] = set()
        self._pace = Pace()
        self._in_use = SizesInUse()
        self._warm_up = WarmUpJob(factors=0)
        self._is_closed = False

    @property
    def waiting(self) -> int:
        """How many jobs wait for a worker."""
        return len(self._waiting)

    @property
    def size(self) -> int:
        """How many workers there are."""
        return self._size

    @property
    def idle(self) -> int:
        """How many workers have nothing to do."""
        return len(self._idle)

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
            worker = await self._claimed(cold)
            if worker is None:
                continue
            cold.discard(worker)
            try:
                await _warm(worker, self._warm_up)
            except BaseException:
                self._later(self._replace(worker))
                raise
            self._free(worker)
        log.info("workers warm again", extra={"seconds": round(time.monotonic() - started, 2)})

    async def run(self, job: Job, seconds_left: float | None = None) -> Answer:
        """Return the answer to the job.

        seconds_left: the caller's patience, None for endless.
        Raises CapacityExceeded at once where too many jobs wait or the deadline cannot be met. A cancelled job stops.
        """
        self._admit(job, seconds_left)
        ticket = Ticket(job, asyncio.get_running_loop().create_future())
        self._waiting.append(ticket)
        self._hand_out()
        try:
            return _answer(await ticket.reply)
        except asyncio.CancelledError:
            self._withdraw(ticket)
            raise

    async def close(self) -> None:
        """Kill every worker and wait until it is gone."""
        self._is_closed = True
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        for worker in list(self._workers):
            self._workers.discard(worker)
            await worker.close()

    def _admit(self, job: Job, seconds_left: float | None) -> None:
        if not self._idle and self.waiting >= self._queue:
            raise CapacityExceeded(f"{self.waiting} requests are waiting already; try again later or add workers")
        needed = self._pace.seconds(job, ahead=0 if self._idle else self.waiting // self._size)
        if seconds_left is not None and needed > seconds_left:
            self._pace.ease(job)
            raise CapacityExceeded(
                f"the deadline leaves {seconds_left:.3f} s, and {needed:.3f} s are needed at the least; allow more time"
            )

    def _hand_out(self) -> None:
        while self._waiting and self._idle:
            worker = self._idle.popleft()
            bundle = next_bundle(self._waiting, self._pace, self._size)
            for ticket in bundle:
                ticket.worker = worker
            worker.give([ticket.job for ticket in bundle], partial(self._told, worker, bundle))

    def _told(self, worker: WorkerHandle, bundle: list[Ticket], outcome: Outcome) -> None:
        for ticket in bundle:
            ticket.worker = None
        if isinstance(outcome, WorkerDied):
            self._take_back(bundle, outcome)
            if not self._is_closed:
                self._later(self._replace(worker))
            return
        for ticket, replied in zip(bundle, outcome, strict=True):
            self._pace.note(ticket.job, replied.seconds)
            self._in_use.note(ticket.job)
        # First the worker's next bundle, so that it need not wait until callers have been answered.
        self._free(worker)
        for ticket, replied in zip(bundle, outcome, strict=True):
            if not ticket.reply.done():
                ticket.reply.set_result(replied.reply)

    def _take_back(self, bundle: list[Ticket], error: WorkerDied) -> None:
        """Fail the job over which a worker ended; where there were several, try each again by itself."""
        for ticket in reversed(bundle):
            if ticket.reply.done():
                continue
            if len(bundle) == 1 or self._is_closed:
                ticket.reply.set_exception(error)
            else:
                ticket.is_alone = True
                self._waiting.appendleft(ticket)
        self._hand_out()

    def _withdraw(self, ticket: Ticket) -> None:
        """Stop working on what nobody waits for any more."""
        if ticket.worker is None:
            if ticket in self._waiting:
                self._waiting.remove(ticket)
            return
        asyncio.get_running_loop().call_later(_GRACE_SECONDS, _stop, ticket)

    def _free(self, worker: WorkerHandle) -> None:
        if self._claim is not None and worker in self._claim[0] and not self._claim[1].done():
            self._claim[1].set_result(worker)
            return
        self._idle.append(worker)
        self._hand_out()

    async def _claimed(self, among: set[WorkerHandle]) -> WorkerHandle | None:
        """Return one of these workers as soon as it is idle, for its own use; None where none was for a while."""
        for worker in among & set(self._idle):
            self._idle.remove(worker)
            return worker
        self._claim = among, asyncio.get_running_loop().create_future()
        try:
            return await asyncio.wait_for(self._claim[1], _TURN_SECONDS)
        except TimeoutError:
            return None
        finally:
            self._claim = None

    async def _replace(self, worker: WorkerHandle) -> None:
        log.warning("worker replaced", extra={"worker_pid": worker.process.pid})
        self._workers.discard(worker)
        await worker.close()
        while True:
            try:
                return await self._add_worker()
            except (OSError, RuntimeError, TimeoutError, WorkerDied):
                log.exception("a worker did not start; trying again")
            await asyncio.sleep(_RETRY_SECONDS)

    async def _add_worker(self) -> None:
        worker = await WorkerHandle.start(self._compiled_problems, self._snapshots)
        self._workers.add(worker)
        try:
            await asyncio.wait_for(_warm(worker, self._warm_up), _WARM_UP_SECONDS)
        except BaseException:
            self._workers.discard(worker)
            worker.process.kill()
            raise
        self._free(worker)

    def _later(self, chore: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(chore)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)


def _stop(ticket: Ticket) -> None:
    if ticket.worker is not None:
        ticket.worker.process.kill()


async def _warm(worker: WorkerHandle, job: WarmUpJob) -> None:
    replied = await worker.ask(job)
    if not isinstance(replied.reply, Ready):
        raise RuntimeError(f"a worker could not warm up: {replied.reply}")


def _answer(reply: Reply) -> Answer:
    if isinstance(reply, ServiceError):
        raise reply
    if isinstance(reply, Fault):
        raise RuntimeError(f"fault in a worker:\n{reply.detail}")
    return reply
