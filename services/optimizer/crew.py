"""The worker processes of a pool: started, warmed, idle, replaced."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from pathlib import Path

from services.optimizer.answers import Ready, WarmUpJob
from services.optimizer.worker_handle import WorkerDied, WorkerGone, WorkerHandle

log = logging.getLogger(__name__)

# A worker imports and compiles for some seconds; on a busy machine for ten times as long.
_WARM_UP_SECONDS = 120.0
# Between tries to start a worker where none starts, such as without memory.
_RETRY_SECONDS = 2.0
# After this long it is looked again which workers there are.
_CLAIM_SECONDS = 1.0


class Crew:
    """A number of workers; `has_idle` is called whenever one becomes idle.

    compiled_problems, snapshots: as of `start_worker`.
    """

    def __init__(self, size: int, compiled_problems: int, snapshots: Path, has_idle: Callable[[], None]) -> None:
        self.size = size
        self._compiled_problems = compiled_problems
        self._snapshots = snapshots
        self._has_idle = has_idle
        self._workers: set[WorkerHandle] = set()
        self._leaving: set[WorkerHandle] = set()
        self._idle: deque[WorkerHandle] = deque()
        self._claim: tuple[set[WorkerHandle], asyncio.Future[WorkerHandle]] | None = None
        self._chores: set[asyncio.Task[None]] = set()
        self._warm_up = WarmUpJob(factors=0)
        self._is_closed = False

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
        await asyncio.gather(*(self._add() for _ in range(self.size)))

    async def warm_again(self, warm_up: WarmUpJob) -> None:
        """Let each worker in turn do this job, those that replace others meanwhile too; a new one does from then on.

        Raises RuntimeError where a worker cannot, WorkerDied where one ends over it.
        """
        while cold := {worker for worker in self._workers if worker.warmed is not warm_up}:
            worker = await self._claimed(cold)
            if worker is None:
                continue
            try:
                await _warm(worker, warm_up)
            except WorkerGone:
                self.replace(worker)
                continue
            except BaseException:
                self.replace(worker)
                raise
            # Only now: what no worker can do must not keep new ones from starting.
            self._warm_up = warm_up
            self.free(worker)
        self._warm_up = warm_up

    def take(self) -> WorkerHandle | None:
        """Return a worker that was idle, None where there is none."""
        while self._idle:
            worker = self._idle.popleft()
            if worker.process.is_alive():
                return worker
            self.replace(worker)
        return None

    def free(self, worker: WorkerHandle) -> None:
        """Make a worker idle that was taken."""
        if self._is_closed:
            return
        if self._claim is not None and worker in self._claim[0] and not self._claim[1].done():
            self._claim[1].set_result(worker)
            return
        self._idle.append(worker)
        self._has_idle()

    def replace(self, worker: WorkerHandle) -> None:
        """Put another worker in the place of one that was taken."""
        if self._is_closed:
            return
        chore = asyncio.ensure_future(self._replace(worker))
        self._chores.add(chore)
        chore.add_done_callback(self._chores.discard)

    async def close(self) -> None:
        """Kill every worker and wait until it is gone."""
        self._is_closed = True
        self._idle.clear()
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        for worker in self._workers | self._leaving:
            await worker.close()
        self._workers.clear()

    async def _claimed(self, among: set[WorkerHandle]) -> WorkerHandle | None:
        """Return one of these workers as soon as it is idle, before any job; None where none was for a while."""
        for worker in among & set(self._idle):
            self._idle.remove(worker)
            if worker.process.is_alive():
                return worker
            self.replace(worker)
        claim: asyncio.Future[WorkerHandle] = asyncio.get_running_loop().create_future()
        self._claim = among, claim
        try:
            await asyncio.wait([claim], timeout=_CLAIM_SECONDS)
        except asyncio.CancelledError:
            self._claim = None
            if claim.done():
                self.free(claim.result())
            raise
        self._claim = None
        return claim.result() if claim.done() else None

    async def _replace(self, worker: WorkerHandle) -> None:
        log.warning("worker replaced", extra={"worker_pid": worker.process.pid})
        self._workers.discard(worker)
        self._leaving.add(worker)
        await worker.close()
        self._leaving.discard(worker)
        while True:
            try:
                return await self._add()
            except (OSError, RuntimeError, TimeoutError, WorkerDied):
                log.exception("a worker did not start; trying again")
            await asyncio.sleep(_RETRY_SECONDS)

    async def _add(self) -> None:
        worker = await WorkerHandle.start(self._compiled_problems, self._snapshots)
        self._workers.add(worker)
        try:
            await asyncio.wait_for(_warm(worker, self._warm_up), _WARM_UP_SECONDS)
        except BaseException:
            self._workers.discard(worker)
            worker.stop()
            raise
        self.free(worker)


async def _warm(worker: WorkerHandle, job: WarmUpJob) -> None:
    replied = await worker.ask(job)
    if not isinstance(replied.reply, Ready):
        raise RuntimeError(f"a worker could not warm up: {replied.reply}")
    worker.warmed = job
