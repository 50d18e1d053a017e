"""A real SQLite record in a folder, with a clock that ticks once per look."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fiducia.advisor.v1 import client_pb2
from fiducia.advisor.v1 import proposal_pb2 as pb

from services.orchestrator.records.engine import open_records
from services.orchestrator.records.journal import Journal
from services.orchestrator.records.recorder import Recorder
from services.orchestrator.records.store import RecordStore

TENANT = "default"
FAILURE = pb.Failure(reason="INTERNAL", message="the test ends it")


class Ticks:
    """A clock that is one second later at every look."""

    def __init__(self) -> None:
        self._now = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder / 'records.db'}"


@contextmanager
def open_journal(folder: Path) -> Iterator[Journal]:
    """Open the record of this folder; leaving is what a stop of the process does."""
    journal = Journal(RecordStore(open_records(url_of(folder))), Ticks())
    try:
        yield journal
    finally:
        journal.close()


def situation(reference: str = "A-1") -> client_pb2.ClientSituation:
    return client_pb2.ClientSituation(reference=reference, jurisdiction="US", base_currency="USD", language="en")


def digest(body: str) -> bytes:
    return hashlib.sha256(body.encode()).digest()


async def begun(journal: Journal, request_id: str = "", body: str = "body") -> Recorder:
    """Return the recorder of a proposal that was just created."""
    accepted = await journal.create(TENANT, request_id, digest(body), situation())
    assert accepted.recorder is not None
    return accepted.recorder


async def stages(recorder: Recorder, count: int) -> None:
    """Record this many events."""
    for _ in range(count):
        await recorder.record(stage_started=pb.PROPOSAL_STAGE_ADVICE)


async def finish(journal: Journal, recorder: Recorder) -> None:
    """Complete the proposal as failed and let go of it."""

    def fail(proposal: pb.Proposal) -> None:
        proposal.state = pb.PROPOSAL_STATE_FAILED
        proposal.failure.CopyFrom(FAILURE)

    await recorder.complete(fail)
    journal.release(recorder.key)
