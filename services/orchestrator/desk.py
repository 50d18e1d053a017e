"""Accept requests for proposals and work on them, a bounded number at a time, whether or not anyone listens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from fiducia.advisor.v1 import client_pb2

from services.orchestrator.pipeline import Order, draft_proposal
from services.orchestrator.ports import Upstream
from services.orchestrator.records.journal import Journal
from services.orchestrator.records.recorder import Recorder
from services.orchestrator.records.store import ProposalKey
from services.orchestrator.steps import Failure, Step
from services.orchestrator.wire_proposal import event_content, fail, finisher
from shared.errors import CapacityExceeded

log = logging.getLogger(__name__)

Result = TypeVar("Result")

_STOPPED = Failure(
    "INTERNAL", "the service stopped before the proposal was whole; create it again with a new request_id"
)
_LOST = Failure(
    "INTERNAL", "the service ended in the middle of the work; create the proposal again with a new request_id"
)


@dataclass(frozen=True)
class Bounds:
    """How many proposals are worked on at a time, and how many accepted ones may wait."""

    running: int
    queued: int


@dataclass(frozen=True)
class Application:
    """An accepted request. digest: SHA-256 of its body; situation: as the client sent it."""

    tenant: str
    request_id: str
    digest: bytes
    situation: client_pb2.ClientSituation

    @property
    def name(self) -> tuple[str, str]:
        """What the same request has again."""
        return self.tenant, self.request_id


class Desk:
    """Owns the work on proposals; calls only ask for it."""

    def __init__(self, journal: Journal, upstream: Upstream, bounds: Bounds) -> None:
        self._journal = journal
        self._upstream = upstream
        self._places = bounds.running + bounds.queued
        self._turn = asyncio.Semaphore(bounds.running)
        self._taken = 0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._opening: dict[tuple[str, str], asyncio.Task[ProposalKey]] = {}

    async def open(self, application: Application, order: Order) -> ProposalKey:
        """Store the proposal and begin the work; an earlier request with the same id and body gives its proposal.

        Once stored, the work goes on even if the caller is gone. Raises CapacityExceeded, RequestIdReused.
        """
        earlier = await self._opened_meanwhile(application)
        if earlier is not None:
            return earlier
        if self._taken >= self._places:
            raise CapacityExceeded(f"{self._taken} proposals are in work or waiting; try again in a moment")
        self._taken += 1
        opening = self._spawn(self._opened(application, order))
        if application.request_id:
            self._opening[application.name] = opening
            opening.add_done_callback(lambda _: self._opening.pop(application.name, None))
        return await asyncio.shield(opening)

    async def fail_lost_work(self) -> int:
        """End the proposals whose work died with an earlier process as FAILED; return their number."""
        lost = await self._journal.unfinished()
        for recorder in lost:
            await recorder.complete(lambda proposal: fail(proposal, _LOST))
            self._journal.release(recorder.key)
        if lost:
            log.warning("unfinished proposals failed", extra={"proposals": len(lost)})
        return len(lost)

    async def drain(self, seconds: float) -> None:
        """Let running work finish for this long, then end what is left as FAILED."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        left = list(self._tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _opened_meanwhile(self, application: Application) -> ProposalKey | None:
        """Wait for the same request if it is being stored right now: a repetition must not take a place of its own."""
        opening = self._opening.get(application.name) if application.request_id else None
        if opening is None:
            return None
        await asyncio.wait([opening])
        return await self._journal.earlier(application.tenant, application.request_id, application.digest)

    async def _opened(self, application: Application, order: Order) -> ProposalKey:
        try:
            accepted = await self._journal.create(
                application.tenant, application.request_id, application.digest, application.situation
            )
        except BaseException:
            self._taken -= 1
            raise
        if accepted.recorder is None:
            self._taken -= 1
        else:
            self._spawn(self._work(accepted.recorder, order))
        return accepted.key

    async def _work(self, recorder: Recorder, order: Order) -> None:
        try:
            async with self._turn:
                await self._draft(recorder, order)
        except asyncio.CancelledError:
            if not recorder.is_complete:
                await recorder.complete(lambda proposal: fail(proposal, _STOPPED))
            raise
        except Exception:
            # The record itself does not take the end; the next start ends the proposal.
            log.exception("proposal could not be recorded", extra={"proposal_id": recorder.key.id})
        finally:
            self._taken -= 1
            self._journal.release(recorder.key)

    async def _draft(self, recorder: Recorder, order: Order) -> None:
        async def record(step: Step) -> None:
            await recorder.record(**event_content(step))

        conclusion = await draft_proposal(recorder.key.id, order, self._upstream, record)
        await recorder.complete(finisher(conclusion))
        outcome = type(conclusion.outcome).__name__
        log.info("proposal completed", extra={"proposal_id": recorder.key.id, "outcome": outcome})

    def _spawn(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        # The loop itself keeps no reference to a task: without this set, work could be collected half done.
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
