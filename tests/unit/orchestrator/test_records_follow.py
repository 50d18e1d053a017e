"""Following a proposal: no event is lost or repeated, whoever drops out and when."""

from __future__ import annotations

import asyncio
import random
import tempfile
from pathlib import Path

import pytest
from fiducia.advisor.v1 import proposal_pb2 as pb
from hypothesis import given, settings
from hypothesis import strategies as st

from services.orchestrator.records.journal import Journal
from services.orchestrator.records.store import ProposalKey
from shared.errors import InvalidRequest, NotFound, ServiceError
from tests.unit.orchestrator.records_kit import TENANT, begun, finish, open_journal, situation, stages

SECONDS = 20.0


async def read(journal: Journal, key: ProposalKey, after: int, most: int | None = None) -> list[pb.ProposalEvent]:
    """Follow until the end, or until `most` events were read."""
    seen: list[pb.ProposalEvent] = []
    async with asyncio.timeout(SECONDS):
        async for event in journal.follow(key, after):
            seen.append(event)
            if len(seen) == most:
                break
    return seen


async def read_in_pieces(journal: Journal, key: ProposalKey, pieces: list[int]) -> list[int]:
    """Follow, drop out after each number of events, resume after the last one seen; then read to the end."""
    sequences = [0]
    for most in [*pieces, None]:
        for event in await read(journal, key, sequences[-1], most):
            sequences.append(event.sequence)
            if event.HasField("completed"):
                return sequences[1:]
    return sequences[1:]


@settings(max_examples=30, deadline=None)
@given(
    events=st.integers(0, 40),
    followers=st.lists(st.lists(st.integers(1, 7), max_size=6), min_size=1, max_size=4),
    pauses=st.randoms(use_true_random=False),
)
def test_however_often_followers_drop_out_each_sees_every_event_once(
    events: int, followers: list[list[int]], pauses: random.Random
) -> None:
    async def scenario() -> None:
        with tempfile.TemporaryDirectory() as folder, open_journal(Path(folder)) as journal:
            recorder = await begun(journal)

            async def work() -> None:
                for _ in range(events):
                    await stages(recorder, 1)
                    if pauses.random() < 0.5:
                        await asyncio.sleep(0)
                await finish(journal, recorder)

            reading = [read_in_pieces(journal, recorder.key, pieces) for pieces in followers]
            _, *seen = await asyncio.gather(work(), *reading)
            for sequences in seen:
                assert sequences == list(range(1, events + 3))

    asyncio.run(scenario())


async def test_a_follower_that_never_reads_does_not_hold_up_the_work(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        recorder = await begun(journal)
        idle = journal.follow(recorder.key, 0)
        first = await anext(idle)

        await stages(recorder, 100)
        await finish(journal, recorder)

        rest = [event.sequence async for event in idle]
    assert first.sequence == 1
    assert rest == list(range(2, 103))


async def test_the_last_event_holds_what_get_returns_byte_for_byte_also_after_a_restart(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        recorder = await begun(journal)
        await stages(recorder, 3)
        await finish(journal, recorder)
        last = (await read(journal, recorder.key, 0))[-1].completed
        now = await journal.get(recorder.key)
    with open_journal(tmp_path) as restarted:
        later = await restarted.get(recorder.key)
        resumed = await read(restarted, recorder.key, 3)

    assert now.SerializeToString() == last.SerializeToString() == later.SerializeToString()
    assert [event.sequence for event in resumed] == [4, 5]
    assert resumed[-1].completed == last
    assert last.last_sequence == 5


async def test_each_event_changes_etag_and_digest(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        recorder = await begun(journal)
        states = [await journal.get(recorder.key)]
        for _ in range(3):
            await stages(recorder, 1)
            states.append(await journal.get(recorder.key))
        await finish(journal, recorder)
        states.append(await journal.get(recorder.key))

    assert len({state.etag for state in states}) == 5
    assert [state.last_sequence for state in states] == [1, 2, 3, 4, 5]
    assert states[0].create_time == states[-1].create_time != states[-1].update_time
    # No message can hold its own digest: the whole proposal names the event before it.
    assert states[-1].record_digest == states[-2].record_digest


async def test_lost_work_is_handed_out_after_a_restart_and_can_be_ended(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        lost = await begun(journal)
        await stages(lost, 2)
        await finish(journal, await begun(journal))
    with open_journal(tmp_path) as restarted:
        (recorder,) = await restarted.unfinished()
        await finish(restarted, recorder)
        proposal = await restarted.get(lost.key)
        check = await restarted.verify_chain(lost.key)
        left = await restarted.unfinished()

    assert recorder.key == lost.key
    assert proposal.state == pb.PROPOSAL_STATE_FAILED
    assert proposal.situation == situation()
    assert (check.broken_at, check.event_count) == (None, 4)
    assert left == []


async def test_following_work_that_died_without_a_result_is_an_error_not_a_wait(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        recorder = await begun(journal)
        journal.release(recorder.key)

        with pytest.raises(ServiceError, match="ended without a result"):
            await read(journal, recorder.key, 0)


async def test_an_unknown_proposal_and_a_number_beyond_its_record_are_refused(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        recorder = await begun(journal)
        await finish(journal, recorder)

        with pytest.raises(NotFound):
            await read(journal, ProposalKey(TENANT, "no-such"), 0)
        with pytest.raises(InvalidRequest, match="after_sequence"):
            await read(journal, recorder.key, 3)
        nothing = await read(journal, recorder.key, 2)
    assert nothing == []


async def test_a_write_that_is_cancelled_is_finished_and_known(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        recorder = await begun(journal)
        writing = asyncio.create_task(stages(recorder, 1))
        await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing

        await finish(journal, recorder)
        events = await read(journal, recorder.key, 0)

    assert [event.sequence for event in events] == [1, 2, 3]
