"""What lies in the database: all of a proposal or nothing, once, and never changed."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from fiducia.advisor.v1 import proposal_pb2 as pb
from sqlalchemy.exc import IntegrityError

from services.orchestrator.records.store import ProposalKey
from services.orchestrator.steps import Conclusion, Versions
from services.orchestrator.wire_portfolio import infeasibility_message
from services.orchestrator.wire_proposal import finisher
from shared.errors import InvalidRequest, NotFound, RequestIdReused
from tests.fakes import INFEASIBLE
from tests.unit.orchestrator.records_kit import TENANT, begun, digest, finish, open_journal, situation, stages, url_of

REQUEST = "6f1c1d2e-9f7b-4a36-8b7e-0d3f6a1b2c3d"

# State and outcome of an infeasible proposal as bytes of the first version: one member with its bound, one without.
OLD_OUTCOME = (
    b"\x10\x04RK\n)\n\x15limits.max_volatility\x11{\x14\xaeG\xe1z\x84?\x19{\x14\xaeG\xe1z\x94?"
    b"\n\x1e\n\x13limits.max_turnover\x11\x9a\x99\x99\x99\x99\x99\xb9?"
)

# Ends the process, without any clean-up, at the moment the first event would be written.
CRASH = """
import asyncio, os, sys
from sqlalchemy import event
from tests.unit.orchestrator import records_kit as kit
from services.orchestrator.records.engine import open_records
from services.orchestrator.records.journal import Journal
from services.orchestrator.records.store import RecordStore

engine = open_records(sys.argv[1])

@event.listens_for(engine, "before_cursor_execute")
def crash(connection, cursor, statement, *rest):
    if statement.startswith("INSERT INTO events"):
        os._exit(9)

asyncio.run(kit.begun(Journal(RecordStore(engine), kit.Ticks())))
"""


def rows(folder: Path, table: str) -> int:
    with sqlite3.connect(folder / "records.db") as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_a_crash_in_the_middle_of_create_leaves_nothing(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "protos" / "gen")])}

    ended = subprocess.run([sys.executable, "-c", CRASH, url_of(tmp_path)], cwd=root, env=env, timeout=60, check=False)

    assert ended.returncode == 9
    assert (rows(tmp_path, "proposals"), rows(tmp_path, "events")) == (0, 0)


async def test_a_contradiction_is_kept_whole(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        recorder = await begun(journal)
        await recorder.complete(finisher(Conclusion(INFEASIBLE, Versions("catalogue", "pack"))))
        journal.release(recorder.key)
    with open_journal(tmp_path) as journal:
        kept = await journal.get(recorder.key)
        check = await journal.verify_chain(recorder.key)

    assert check.broken_at is None
    assert kept.infeasibility == infeasibility_message(INFEASIBLE)


async def test_a_contradiction_recorded_before_relaxations_were_kept_reads_and_verifies(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        recorder = await begun(journal)
        await recorder.complete(lambda proposal: proposal.MergeFromString(OLD_OUTCOME) and None)
        journal.release(recorder.key)
        kept = await journal.get(recorder.key)
        check = await journal.verify_chain(recorder.key)

    assert check.broken_at is None
    volatility, turnover = kept.infeasibility.conflicts
    assert (volatility.field, volatility.relaxed_bound) == ("limits.max_volatility", 0.02)
    assert (turnover.field, turnover.HasField("relaxed_bound")) == ("limits.max_turnover", False)
    assert (turnover.relaxation_not_sought, list(kept.infeasibility.relax_together)) == (False, [])
    assert pb.Proposal(state=kept.state, infeasibility=kept.infeasibility).SerializeToString() == OLD_OUTCOME


async def test_the_same_request_twice_is_one_proposal(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        first = await journal.create(TENANT, REQUEST, digest("a"), situation())
        second = await journal.create(TENANT, REQUEST, digest("a"), situation())

    assert second.key == first.key
    assert first.recorder is not None
    assert second.recorder is None


async def test_a_request_id_with_another_body_is_refused_and_stores_nothing(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        await journal.create(TENANT, REQUEST, digest("a"), situation())
        with pytest.raises(RequestIdReused):
            await journal.create(TENANT, REQUEST, digest("b"), situation())

    assert rows(tmp_path, "proposals") == 1


async def test_many_creates_at_once_with_one_request_id_give_one_proposal(tmp_path: Path) -> None:
    with open_journal(tmp_path) as one, open_journal(tmp_path) as other:
        # Two journals are two processes as far as the database can tell.
        asked = [journal.create(TENANT, REQUEST, digest("a"), situation()) for journal in (one, other) * 8]
        accepted = await asyncio.gather(*asked)

    assert len({one.key for one in accepted}) == 1
    assert sum(one.recorder is not None for one in accepted) == 1
    assert (rows(tmp_path, "proposals"), rows(tmp_path, "events")) == (1, 1)


async def test_requests_without_id_and_of_other_tenants_never_meet(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        asked = [("a", REQUEST), ("b", REQUEST), ("a", ""), ("a", "")]
        accepted = [await journal.create(tenant, name, digest("x"), situation()) for tenant, name in asked]

        assert len({one.key.id for one in accepted}) == 4
        with pytest.raises(NotFound):
            await journal.get(ProposalKey("b", accepted[0].key.id))


async def test_a_sequence_is_taken_once(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal, open_journal(tmp_path) as other:
        await begun(journal)
        (rival,) = await other.unfinished()
        (recorder,) = await journal.unfinished()
        await stages(recorder, 1)

        with pytest.raises(IntegrityError):
            await stages(rival, 1)

    assert rows(tmp_path, "events") == 2


async def test_events_cannot_be_changed_or_removed(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        await begun(journal)

    with sqlite3.connect(tmp_path / "records.db") as connection:
        for statement in ("UPDATE events SET kind = 'completed'", "DELETE FROM events"):
            with pytest.raises(sqlite3.IntegrityError, match="only ever added"):
                connection.execute(statement)


async def test_the_record_is_private_and_durable(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        await begun(journal)
        mode = stat.S_IMODE((tmp_path / "records.db").stat().st_mode)

    with sqlite3.connect(tmp_path / "records.db") as connection:
        journal_mode = connection.execute("PRAGMA journal_mode").fetchone()
    assert mode == 0o600
    assert journal_mode == ("wal",)


@pytest.mark.parametrize("sequence", [1, 2, 3, 4])
async def test_a_flipped_byte_is_found_at_its_sequence(tmp_path: Path, sequence: int) -> None:
    with open_journal(tmp_path) as journal:
        recorder = await begun(journal)
        await stages(recorder, 2)
        await finish(journal, recorder)
        before = await journal.verify_chain(recorder.key)
        flip(tmp_path, sequence)
        after = await journal.verify_chain(recorder.key)

    assert (before.broken_at, before.event_count) == (None, 4)
    assert after.broken_at == sequence


async def test_a_false_label_beside_an_event_is_found(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        recorder = await begun(journal)
        await stages(recorder, 2)
        alter(tmp_path, "UPDATE events SET kind = 'completed' WHERE sequence = 2")

        check = await journal.verify_chain(recorder.key)

    assert check.broken_at == 2


async def test_a_removed_event_is_found(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        recorder = await begun(journal)
        await stages(recorder, 2)
        alter(tmp_path, "DELETE FROM events WHERE sequence = 2")

        check = await journal.verify_chain(recorder.key)

    assert check.broken_at == 2


async def test_pages_are_newest_first_and_complete(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        made = [(await begun(journal)).key.id for _ in range(5)]
        seen: list[list[str]] = []
        token = ""
        while not seen or token:
            found, token = await journal.page(TENANT, 2, token)
            seen.append([proposal.id for proposal in found])
            await begun(journal)  # What is created meanwhile moves nothing.

    assert seen == [made[:2:-1], made[2:0:-1], made[:1]]


@pytest.mark.parametrize(
    "token", ["x", "é", "cHJvZHVjdHM6VlRJ", "cHJvcG9zYWxzOi0x", "cHJvcG9zYWxzOg", "====", "a" * 999]
)
async def test_a_token_of_another_list_or_none_at_all_is_refused(tmp_path: Path, token: str) -> None:
    with open_journal(tmp_path) as journal, pytest.raises(InvalidRequest) as refused:
        await journal.page(TENANT, 2, token)

    assert refused.value.violations[0].field == "page_token"


def flip(folder: Path, sequence: int) -> None:
    """Flip one bit in the middle of an event's bytes."""
    with sqlite3.connect(folder / "records.db") as connection:
        connection.execute("DROP TRIGGER IF EXISTS events_refuse_update")
        (message,) = connection.execute("SELECT message FROM events WHERE sequence = ?", (sequence,)).fetchone()
        altered = bytearray(message)
        altered[len(altered) // 2] ^= 1
        connection.execute("UPDATE events SET message = ? WHERE sequence = ?", (bytes(altered), sequence))


def alter(folder: Path, statement: str) -> None:
    """Change the record behind its triggers' back."""
    with sqlite3.connect(folder / "records.db") as connection:
        for action in ("update", "delete"):
            connection.execute(f"DROP TRIGGER events_refuse_{action}")
        connection.execute(statement)
