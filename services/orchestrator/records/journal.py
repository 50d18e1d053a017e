"""Proposals as the rest of the orchestrator sees them: created, recorded, read back, followed."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass

from fiducia.advisor.v1 import client_pb2
from fiducia.advisor.v1 import proposal_pb2 as pb

from services.orchestrator.records.chain import ChainCheck, StoredEvent, check_chain
from services.orchestrator.records.fold import fold, label_of, without_texts
from services.orchestrator.records.hub import Hub
from services.orchestrator.records.pages import number_of, token_of
from services.orchestrator.records.recorder import Clock, Recorder, timestamp
from services.orchestrator.records.store import COMPLETED, NewProposal, ProposalKey, RecordStore
from services.orchestrator.records.threads import RecordThreads
from shared.errors import InvalidRequest, ServiceError

_LIST = "proposals"
# Events read at a time by a follower: a bound on memory, not on the length of a record.
_BATCH = 32


@dataclass(frozen=True)
class Accepted:
    """A stored proposal. recorder: writes its further events; None where an earlier request made it."""

    key: ProposalKey
    recorder: Recorder | None


class Journal:
    """The record of all proposals. Blocking work runs in its own threads."""

    def __init__(self, store: RecordStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._threads = RecordThreads()
        self._hub = Hub()

    async def earlier(self, tenant: str, request_id: str, digest: bytes) -> ProposalKey | None:
        """Return the proposal that this request made before, or None. Raises RequestIdReused."""
        found = await self._threads.read(lambda: self._store.earlier(tenant, request_id or None, digest))
        return None if found is None else ProposalKey(tenant, found)

    async def create(
        self, tenant: str, request_id: str, digest: bytes, situation: client_pb2.ClientSituation
    ) -> Accepted:
        """Store a new proposal in state DRAFTING, or return the one that the same request made.

        request_id: empty where the caller sent none.  digest: SHA-256 of the request's body.
        The caller owns the work from here on and ends it with `release`. Raises RequestIdReused.
        """
        new = self._new_proposal(tenant, request_id, digest, situation)
        identifier, is_new = await self._threads.write(lambda: self._store.create(new))
        key = ProposalKey(tenant, identifier)
        return Accepted(key, await self._recorder(key) if is_new else None)

    def release(self, key: ProposalKey) -> None:
        """Say that work on this proposal ended."""
        self._hub.close(key)

    async def get(self, key: ProposalKey) -> pb.Proposal:
        """Return the proposal as it stands; a completed one exactly as its last event holds it. Raises NotFound."""
        return await self._threads.read(lambda: self._read(key))

    async def page(self, tenant: str, size: int, token: str) -> tuple[list[pb.Proposal], str]:
        """Return proposals without their texts, newest first, and the token of the next page, "" after the last.

        Raises InvalidRequest for a token that is none.
        """
        before = number_of(_LIST, token)
        return await self._threads.read(lambda: self._read_page(tenant, size, before))

    async def follow(self, key: ProposalKey, after: int) -> AsyncIterator[pb.ProposalEvent]:
        """Yield the events after this number, those that are still to come too, up to the completed proposal.

        Raises NotFound, InvalidRequest where the number lies beyond the record, and ServiceError where work
        ended without a result, which only a failing database can cause.
        """
        last, is_complete = await self._threads.read(lambda: self._store.end_of(key))
        if after > last:
            raise InvalidRequest.of(
                "resume.after_sequence", f"found {after}, the last event is {last}; send at most that"
            )
        is_live = True
        while not (is_complete and after == last):
            batch = await self._threads.read(lambda: self._store.events_after(key, after, _BATCH))  # noqa: B023
            for stored in batch:
                yield pb.ProposalEvent.FromString(stored.message)
                after = stored.label.sequence
                if stored.label.kind == COMPLETED:
                    return
            if not batch and not is_live:
                raise ServiceError(f"work on proposal {key.id} ended without a result; create it again")
            # After the end one more read is due: the last event may have come between.
            is_live = await self._hub.beyond(key, after)

    async def verify_chain(self, key: ProposalKey) -> ChainCheck:
        """Return whether the proposal's stored events still match their digests. Raises NotFound."""
        events = await self._threads.read(lambda: self._store.events_after(key, 0))
        return check_chain(key.id, events, label_of)

    async def unfinished(self) -> list[Recorder]:
        """Return recorders of the proposals whose work ended with an earlier process; call before serving."""
        keys = await self._threads.read(self._store.unfinished)
        return [await self._recorder(key) for key in keys]

    def close(self) -> None:
        """Release threads and connections."""
        self._threads.close()
        self._store.close()

    def _new_proposal(
        self, tenant: str, request_id: str, digest: bytes, situation: client_pb2.ClientSituation
    ) -> NewProposal:
        identifier = str(uuid.uuid4())
        now = self._clock()
        event = pb.ProposalEvent(proposal_id=identifier, sequence=1, create_time=timestamp(now))
        event.created.id = identifier
        event.created.state = pb.PROPOSAL_STATE_DRAFTING
        event.created.create_time.FromDatetime(now)
        event.created.situation.CopyFrom(situation)
        message = event.SerializeToString(deterministic=True)
        return NewProposal(tenant, identifier, request_id or None, digest, now, message)

    async def _recorder(self, key: ProposalKey) -> Recorder:
        proposal = await self._threads.read(lambda: fold(self._store.events_after(key, 0)))
        self._hub.open(key, proposal.last_sequence)
        return Recorder(key, proposal, self._store, self._threads, self._hub, self._clock)

    def _read(self, key: ProposalKey) -> pb.Proposal:
        completed = self._store.completed(key)
        events: list[StoredEvent] = [completed] if completed else self._store.events_after(key, 0)
        return fold(events)

    def _read_page(self, tenant: str, size: int, before: int | None) -> tuple[list[pb.Proposal], str]:
        found = self._store.page(tenant, size + 1, before)
        shown = found[:size]
        proposals = [without_texts(self._read(ProposalKey(tenant, identifier))) for _, identifier in shown]
        return proposals, token_of(_LIST, shown[-1][0]) if len(found) > size else ""
