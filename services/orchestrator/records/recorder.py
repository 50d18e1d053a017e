"""Write the events of one proposal, in order, for the one task that works on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from fiducia.advisor.v1 import proposal_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from services.orchestrator.records.chain import EventLabel, StoredEvent, link
from services.orchestrator.records.fold import apply, stamp
from services.orchestrator.records.hub import Hub
from services.orchestrator.records.store import ProposalKey, RecordStore
from services.orchestrator.records.threads import RecordThreads

Clock = Callable[[], datetime]


class Recorder:
    """Adds events to one proposal and keeps the state that follows from them.

    An event counts once it is in the database; followers hear of it after that.
    """

    def __init__(
        self,
        key: ProposalKey,
        proposal: pb.Proposal,
        store: RecordStore,
        threads: RecordThreads,
        hub: Hub,
        clock: Clock,
    ) -> None:
        self.key = key
        self._proposal = proposal
        self._digest = bytes.fromhex(proposal.record_digest)
        self._store = store
        self._threads = threads
        self._hub = hub
        self._clock = clock

    @property
    def is_complete(self) -> bool:
        """Whether the last event is in the record."""
        return self._proposal.state not in (pb.PROPOSAL_STATE_UNSPECIFIED, pb.PROPOSAL_STATE_DRAFTING)

    async def record(self, **content: Any) -> None:
        """Add one event; content: one field of ProposalEvent's oneof, by name."""
        await self._add(self._next_event(**content))

    async def complete(self, finish: Callable[[pb.Proposal], None]) -> None:
        """Add the last event. finish: sets state, outcome and versions on what the events gave so far."""
        event = self._next_event()
        whole = event.completed
        whole.CopyFrom(self._proposal)
        finish(whole)
        stamp(whole, event, self._digest)
        await self._add(event)

    def _next_event(self, **content: Any) -> pb.ProposalEvent:
        return pb.ProposalEvent(
            proposal_id=self.key.id,
            sequence=self._proposal.last_sequence + 1,
            create_time=timestamp(self._clock()),
            **content,
        )

    async def _add(self, event: pb.ProposalEvent) -> None:
        kind = event.WhichOneof("event") or ""
        message = event.SerializeToString(deterministic=True)
        digest = link(self._digest, message)
        label = EventLabel(event.proposal_id, event.sequence, kind)
        stored = StoredEvent(label, self._clock(), message, digest)
        await self._threads.write(lambda: self._note(event, stored))
        self._hub.advance(self.key, event.sequence)

    def _note(self, event: pb.ProposalEvent, stored: StoredEvent) -> None:
        # In the writer thread, so that a task cancelled meanwhile still knows what was stored.
        self._store.append(self.key, stored)
        apply(self._proposal, event, stored.digest)
        self._digest = stored.digest


def timestamp(time: datetime) -> Timestamp:
    """Return an aware time as a message."""
    message = Timestamp()
    message.FromDatetime(time)
    return message
