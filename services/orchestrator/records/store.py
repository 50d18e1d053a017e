"""Proposals and their events in a database; every call is one transaction and blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, Row, exists, insert, select
from sqlalchemy.exc import IntegrityError

from services.orchestrator.records.chain import GENESIS, EventLabel, StoredEvent, link
from services.orchestrator.records.engine import for_writing
from services.orchestrator.records.tables import events, proposals
from shared.errors import NotFound, RequestIdReused

CREATED = "created"
COMPLETED = "completed"

_EVENT_COLUMNS = (
    events.c.proposal_id,
    events.c.sequence,
    events.c.kind,
    events.c.create_time,
    events.c.message,
    events.c.digest,
)


@dataclass(frozen=True)
class NewProposal:
    """What is stored when a request is accepted. request_id: None where the caller sent none."""

    tenant: str
    id: str
    request_id: str | None
    request_digest: bytes
    create_time: datetime
    created_event: bytes


@dataclass(frozen=True)
class ProposalKey:
    """Which proposal."""

    tenant: str
    id: str


class RecordStore:
    """Adds proposals and events, and reads them back. Safe for several threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writer = for_writing(engine)

    def create(self, new: NewProposal) -> tuple[str, bool]:
        """Store a proposal with its first event; return its id and True.

        Returns the id of the earlier proposal and False where the request id was used with the same body.
        Raises RequestIdReused where it was used with another body.
        """
        try:
            with self._writer.begin() as connection:
                connection.execute(
                    insert(proposals).values(
                        tenant=new.tenant,
                        id=new.id,
                        request_id=new.request_id,
                        request_digest=new.request_digest,
                        create_time=new.create_time,
                    )
                )
                connection.execute(
                    insert(events).values(
                        tenant=new.tenant,
                        proposal_id=new.id,
                        sequence=1,
                        kind=CREATED,
                        create_time=new.create_time,
                        message=new.created_event,
                        digest=link(GENESIS, new.created_event),
                    )
                )
        except IntegrityError:
            earlier = self.earlier(new.tenant, new.request_id, new.request_digest)
            if earlier is None:
                raise
            return earlier, False
        return new.id, True

    def earlier(self, tenant: str, request_id: str | None, request_digest: bytes) -> str | None:
        """Return the id of the proposal that this request made before, or None.

        Raises RequestIdReused where the request id was used with another body.
        """
        if request_id is None:
            return None
        query = select(proposals.c.id, proposals.c.request_digest).where(
            proposals.c.tenant == tenant, proposals.c.request_id == request_id
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        if row.request_digest != request_digest:
            raise RequestIdReused(
                f"request_id {request_id} was used before with another body; "
                "send the same body again, or choose a new UUID for a new request",
                {"proposal_id": row.id},
            )
        return str(row.id)

    def append(self, key: ProposalKey, event: StoredEvent) -> None:
        """Add one event. Its number must be free; IntegrityError otherwise."""
        with self._writer.begin() as connection:
            connection.execute(
                insert(events).values(
                    tenant=key.tenant,
                    proposal_id=key.id,
                    sequence=event.label.sequence,
                    kind=event.label.kind,
                    create_time=event.create_time,
                    message=event.message,
                    digest=event.digest,
                )
            )

    def events_after(self, key: ProposalKey, sequence: int, limit: int | None = None) -> list[StoredEvent]:
        """Return the events after this number, in order, at most `limit`.

        From the first event on (sequence 0), an unknown proposal raises NotFound.
        """
        query = (
            select(*_EVENT_COLUMNS)
            .where(events.c.tenant == key.tenant, events.c.proposal_id == key.id, events.c.sequence > sequence)
            .order_by(events.c.sequence)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        if not rows and sequence < 1:
            raise _unknown(key)
        return [_stored_event(row) for row in rows]

    def completed(self, key: ProposalKey) -> StoredEvent | None:
        """Return the event that completed the proposal, or None while it is unfinished or unknown."""
        query = select(*_EVENT_COLUMNS).where(
            events.c.tenant == key.tenant, events.c.proposal_id == key.id, events.c.kind == COMPLETED
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _stored_event(row)

    def end_of(self, key: ProposalKey) -> tuple[int, bool]:
        """Return the number of the proposal's last event, and whether that event completed it. Raises NotFound."""
        query = (
            select(events.c.sequence, events.c.kind)
            .where(events.c.tenant == key.tenant, events.c.proposal_id == key.id)
            .order_by(events.c.sequence.desc())
            .limit(1)
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise _unknown(key)
        return row.sequence, row.kind == COMPLETED

    def page(self, tenant: str, size: int, before: int | None = None) -> list[tuple[int, str]]:
        """Return (position, id) of proposals, newest first, at most `size`, all before this position."""
        query = select(proposals.c.position, proposals.c.id).where(proposals.c.tenant == tenant)
        if before is not None:
            query = query.where(proposals.c.position < before)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(proposals.c.position.desc()).limit(size)).all()
        return [(row.position, row.id) for row in rows]

    def unfinished(self) -> Sequence[ProposalKey]:
        """Return the proposals of all tenants that no event completed, oldest first."""
        done = exists().where(
            events.c.tenant == proposals.c.tenant,
            events.c.proposal_id == proposals.c.id,
            events.c.kind == COMPLETED,
        )
        query = select(proposals.c.tenant, proposals.c.id).where(~done).order_by(proposals.c.position)
        with self._engine.connect() as connection:
            return [ProposalKey(row.tenant, row.id) for row in connection.execute(query)]

    def close(self) -> None:
        """Release the connections."""
        self._engine.dispose()


def _unknown(key: ProposalKey) -> NotFound:
    return NotFound(f"proposal {key.id} does not exist; list proposals to see which do")


def _stored_event(row: Row) -> StoredEvent:
    return StoredEvent(
        label=EventLabel(row.proposal_id, row.sequence, row.kind),
        create_time=row.create_time,
        message=row.message,
        digest=row.digest,
    )
