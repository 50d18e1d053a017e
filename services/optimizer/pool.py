"""A bounded pool of worker processes, off the event loop: what waits is counted, what cannot be met is refused."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from functools import partial
from pathlib import Path

from services.optimizer.answers import Answer, Job, WarmUpJob
from services.optimizer.bundle import Ticket, next_bundle
from services.optimizer.crew import Crew
from services.optimizer.in_use import SizesInUse, warm_up_for
from services.optimizer.moments import Market
from services.optimizer.pace import Pace
from services.optimizer.worker import Fault, Reply
from services.optimizer.worker_handle import Outcome, WorkerDied, WorkerGone, WorkerHandle
from shared.errors import CapacityExceeded, NotReady, ServiceError, SolutionRefused

log = logging.getLogger(__name__)

# A cancelled job whose bundle ends within this keeps its worker; else that is killed, and a new one starts.
_GRACE_SECONDS = 0.1


class WorkerPool:
    """Runs each job on an idle worker; call `start` first and `close` last, on one event loop.

    workers: processes, one thread each.  queue: jobs that may wait for one.
    snapshots: the folder of the market snapshots that calls name.
    """

    def __init__(self, workers: int, queue: int, compiled_problems: int, snapshots: Path) -> None:
        self._crew = Crew(workers, compiled_problems, snapshots, self._hand_out)
        self._queue = queue
        self._waiting: deque[Ticket] = deque()
        self._pace = Pace()
        self._in_use = SizesInUse()
        self._is_closed = False

    @property
    def waiting(self) -> int:
        """How many jobs wait for a worker."""
        return len(self._waiting)

    @property
    def size(self) -> int:
        """How many workers there are."""
        return self._crew.size

    @property
    def idle(self) -> int:
        """How many workers have nothing to do."""
        return self._crew.idle

    @property
    def process_ids(self) -> tuple[int, ...]:
        """The workers' process ids, sorted."""
        return self._crew.process_ids

    async def start(self, warm_up: WarmUpJob) -> None:
        """Start all workers and let each compile the usual problems."""
        started = time.monotonic()
        await self._crew.start(warm_up)
        log.info("workers ready", extra={"workers": self.size, "seconds": round(time.monotonic() - started, 2)})

    async def warm_again(self, market: Market) -> None:
        """Let each worker in turn compile for another market, with the sizes in use; a new worker does from then on.

        Raises RuntimeError where a worker cannot, WorkerDied where one ends over it.
        """
        started = time.monotonic()
        await self._crew.warm_again(warm_up_for(market, self._in_use.sizes()))
        log.info("workers warm again", extra={"seconds": round(time.monotonic() - started, 2)})

    async def run(self, job: Job, seconds_left: float | None = None) -> Answer:
        """Return the answer to the job.

        seconds_left: the caller's patience, None for endless.
        Raises CapacityExceeded at once where too many jobs wait or the deadline cannot be met, NotReady after `close`,
        WorkerDied where the worker ended over the job. A cancelled job stops.
        """
        if self._is_closed:
            raise _stopping()
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
        """Kill every worker and wait until it is gone; what waits is cancelled."""
        self._is_closed = True
        while self._waiting:
            self._waiting.popleft().reply.cancel()
        await self._crew.close()

    def _admit(self, job: Job, seconds_left: float | None) -> None:
        if not self.idle and self.waiting >= self._queue:
            raise CapacityExceeded(f"{self.waiting} requests are waiting already; try again later or add workers")
        needed = self._pace.seconds(job, ahead=0 if self.idle else self.waiting // self.size)
        if seconds_left is not None and needed > seconds_left:
            self._pace.ease(job)
            raise CapacityExceeded(
                f"the deadline leaves {seconds_left:.3f} s, and {needed:.3f} s are needed at the least; allow more time"
            )

    def _hand_out(self) -> None:
        while self._waiting and (worker := self._crew.take()):
            bundle = next_bundle(self._waiting, self._pace, self.size)
            for ticket in bundle:
                ticket.worker = worker
            worker.give([ticket.job for ticket in bundle], partial(self._told, worker, bundle))

    def _told(self, worker: WorkerHandle, bundle: list[Ticket], outcome: Outcome) -> None:
        for ticket in bundle:
            ticket.worker = None
        if isinstance(outcome, WorkerDied):
            self._lost(worker, bundle, outcome)
            return
        for ticket, replied in zip(bundle, outcome, strict=True):
            if _was_worked_on(replied.reply):
                self._pace.note(ticket.job, replied.seconds)
                self._in_use.note(ticket.job)
        # First the worker's next bundle, so that it need not wait until callers have been answered.
        if worker.is_stopped:
            self._crew.replace(worker)
        else:
            self._crew.free(worker)
        for ticket, replied in zip(bundle, outcome, strict=True):
            if not ticket.reply.done():
                ticket.reply.set_result(replied.reply)

    def _lost(self, worker: WorkerHandle, bundle: list[Ticket], error: WorkerDied) -> None:
        """Fail the job over which a worker ended; try again what it shared, by itself, and what it never got."""
        self._crew.replace(worker)
        for ticket in reversed(bundle):
            if ticket.reply.done():
                continue
            if self._is_closed:
                ticket.reply.set_exception(_stopping())
            elif isinstance(error, WorkerGone) and not ticket.is_returned:
                ticket.is_returned = True
                self._waiting.appendleft(ticket)
            elif len(bundle) > 1:
                ticket.is_alone = True
                self._waiting.appendleft(ticket)
            else:
                ticket.reply.set_exception(error)
        self._hand_out()

    def _withdraw(self, ticket: Ticket) -> None:
        """Stop working on what nobody waits for any more."""
        if ticket.worker is not None:
            asyncio.get_running_loop().call_later(_GRACE_SECONDS, _stop, ticket)
        elif ticket in self._waiting:
            self._waiting.remove(ticket)


def _stopping() -> NotReady:
    return NotReady("the service is stopping; call another replica, or again in a moment")


def _was_worked_on(reply: Reply) -> bool:
    """Return whether the reply says how long such jobs take: not where the request was refused for what it says."""
    return isinstance(reply, SolutionRefused) or not isinstance(reply, ServiceError | Fault)


def _stop(ticket: Ticket) -> None:
    if ticket.worker is not None:
        ticket.worker.stop()


def _answer(reply: Reply) -> Answer:
    if isinstance(reply, ServiceError):
        raise reply
    if isinstance(reply, Fault):
        raise RuntimeError(f"fault in a worker:\n{reply.detail}")
    return reply
