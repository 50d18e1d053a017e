"""The tables of the records: proposals and their events, which are only ever added."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
    event,
)
from sqlalchemy.engine import Dialect


class UtcTime(TypeDecorator[datetime]):
    """An aware time in UTC; SQLite itself would forget the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the time as the database stores it."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the time with its zone."""
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=UTC)


_ID = String(64)
_DIGEST = LargeBinary(32)
# SQLite counts rows by itself only in a column declared INTEGER; elsewhere 64 bits are asked for.
_POSITION = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData()

proposals = Table(
    "proposals",
    metadata,
    Column("position", _POSITION, primary_key=True, autoincrement=True),
    Column("tenant", _ID, nullable=False),
    Column("id", _ID, nullable=False),
    # NULL where the caller sent none: NULLs never collide in the unique constraint.
    Column("request_id", _ID, nullable=True),
    Column("request_digest", _DIGEST, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    UniqueConstraint("tenant", "id", name="proposals_id"),
    UniqueConstraint("tenant", "request_id", name="proposals_request_id"),
    sqlite_autoincrement=True,  # A position is never given twice, or a page token could skip a proposal.
)

events = Table(
    "events",
    metadata,
    Column("tenant", _ID, primary_key=True),
    Column("proposal_id", _ID, primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    # Name of the event's kind, so that a completed proposal is found without reading messages.
    Column("kind", String(32), nullable=False),
    Column("create_time", UtcTime, nullable=False),
    # Exactly the bytes of the ProposalEvent: protobuf is not canonical, so a digest over a re-encoding proves nothing.
    Column("message", LargeBinary, nullable=False),
    # SHA-256 of the digest before and the bytes.
    Column("digest", _DIGEST, nullable=False),
    ForeignKeyConstraint(["tenant", "proposal_id"], ["proposals.tenant", "proposals.id"], name="events_proposal"),
    Index("events_kind", "kind", "tenant", "proposal_id"),
)


def _refuse(action: str) -> None:
    trigger = (
        f"CREATE TRIGGER IF NOT EXISTS events_refuse_{action.lower()} BEFORE {action} ON events "
        "BEGIN SELECT RAISE(ABORT, 'events are only ever added'); END"
    )
    event.listen(events, "after_create", DDL(trigger).execute_if(dialect="sqlite"))


for _action in ("UPDATE", "DELETE"):
    _refuse(_action)
