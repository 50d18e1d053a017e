"""Proposals over real gRPC and a real record; the services behind are hand-written."""

from __future__ import annotations

import asyncio
from pathlib import Path

import grpc
import pytest
from fiducia.advisor.v1 import advisor_service_pb2 as service
from fiducia.advisor.v1 import proposal_pb2 as pb

from services.orchestrator.desk import Bounds
from shared.status import reason_of, violations_of
from tests.fakes import FakeAdvice, Fakes
from tests.integration.orchestrator.kit import SECONDS, advisor, create_request, kinds, situation

REQUEST = "6f1c1d2e-9f7b-4a36-8b7e-0d3f6a1b2c3d"


async def test_a_proposal_is_streamed_stage_by_stage_up_to_the_whole(tmp_path: Path) -> None:
    async with advisor(tmp_path, Fakes().upstream) as running:
        events = await running.created(create_request())
        whole = events[-1].completed
        stored = await running.get(whole.id)

    seen = kinds(events)
    assert seen[:7] == [
        "created",
        "PROFILE",
        "profile_scored",
        "UNIVERSE",
        "universe_selected",
        "ALLOCATION",
        "recommendation_computed",
    ]
    assert seen[7:9] == ["ADVICE", "facts_recorded"]
    assert set(seen[9:-3]) == {"segment_verified"}
    assert seen[-3:] == ["CHECK", "findings_recorded", "completed"]
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert whole.state == pb.PROPOSAL_STATE_AWAITING_APPROVAL
    assert stored.SerializeToString() == whole.SerializeToString()
    assert list(whole.segments) == [e.segment_verified for e in events if e.HasField("segment_verified")]
    assert whole.situation == situation()
    assert {f.id for f in whole.facts} >= {"total_value", "cost_share"}


async def test_what_to_relax_reaches_the_client_and_the_record(tmp_path: Path) -> None:
    fakes = Fakes()
    fakes.optimizer.infeasible = True
    async with advisor(tmp_path, fakes.upstream) as running:
        whole = (await running.created(create_request()))[-1].completed
    async with advisor(tmp_path, fakes.upstream) as restarted:
        stored = await restarted.get(whole.id)

    assert whole.state == pb.PROPOSAL_STATE_INFEASIBLE
    assert [limit.relaxation_not_sought for limit in whole.infeasibility.conflicts] == [False, True]
    assert [limit.relaxed_bound for limit in whole.infeasibility.relax_together] == [0.015, 0.2]
    assert stored == whole


async def test_create_answers_at_once_and_the_work_goes_on_alone(tmp_path: Path) -> None:
    fakes = Fakes(advice=FakeAdvice(gate=asyncio.Event()))
    async with advisor(tmp_path, fakes.upstream) as running:
        response = await running.stub.CreateProposal(create_request(), timeout=SECONDS)
        waiting = response.proposal
        assert fakes.advice.gate is not None
        fakes.advice.gate.set()
        events = await running.resumed(waiting.id)

    assert waiting.state == pb.PROPOSAL_STATE_DRAFTING
    assert waiting.WhichOneof("outcome") is None
    assert events[-1].completed.state == pb.PROPOSAL_STATE_AWAITING_APPROVAL


async def test_a_dropped_stream_goes_on_in_the_background_and_is_resumed_without_gap_or_repeat(tmp_path: Path) -> None:
    fakes = Fakes(advice=FakeAdvice(gate=asyncio.Event()))
    async with advisor(tmp_path, fakes.upstream) as running:
        seen = await running.events(service.StreamProposalRequest(create=create_request()), most=5)
        assert fakes.advice.gate is not None
        fakes.advice.gate.set()
        rest = await running.resumed(seen[0].proposal_id, seen[-1].sequence)
    async with advisor(tmp_path, fakes.upstream) as restarted:
        again = await restarted.resumed(seen[0].proposal_id, seen[-1].sequence)

    assert [event.sequence for event in [*seen, *rest]] == list(range(1, len(seen) + len(rest) + 1))
    assert rest[-1].HasField("completed")
    assert again == rest


async def test_a_call_that_is_cancelled_at_any_moment_leaves_no_proposal_drafting(tmp_path: Path) -> None:
    async with advisor(tmp_path, Fakes().upstream, Bounds(2, 40)) as running:
        for step in range(20):
            call = running.stub.CreateProposal(create_request(), timeout=SECONDS)
            await asyncio.sleep(0.0005 * step)
            call.cancel()
        await asyncio.sleep(0.2)
        listed = await running.stub.ListProposals(service.ListProposalsRequest(), timeout=SECONDS)
        ended = [(await running.resumed(proposal.id))[-1].completed.state for proposal in listed.proposals]

    assert set(ended) <= {pb.PROPOSAL_STATE_AWAITING_APPROVAL}


async def test_the_same_request_gives_the_same_proposal_and_another_body_is_refused(tmp_path: Path) -> None:
    async with advisor(tmp_path, Fakes().upstream) as running:
        asked = [running.stub.CreateProposal(create_request(request_id=REQUEST), timeout=SECONDS) for _ in range(8)]
        answers = [await call for call in asked]
        streamed = await running.created(create_request(request_id=REQUEST))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await running.stub.CreateProposal(create_request("cautious", request_id=REQUEST), timeout=SECONDS)

    assert {answer.proposal.id for answer in answers} == {streamed[0].proposal_id}
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(refused.value) == "REQUEST_ID_REUSED"


async def test_a_bad_request_names_every_field_and_stores_nothing(tmp_path: Path) -> None:
    request = create_request()
    request.situation.cash.currency_code = "EUR"
    request.situation.questionnaire.answers.pop()
    request.situation.preferences.excluded_product_ids.append("NOPE")
    async with advisor(tmp_path, Fakes().upstream) as running:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await running.created(request)
        listed = await running.stub.ListProposals(service.ListProposalsRequest(), timeout=SECONDS)

    fields = {field for field, _ in violations_of(refused.value)}
    assert reason_of(refused.value) == "INVALID_REQUEST"
    assert fields == {
        "create.situation.cash",
        "create.situation.questionnaire.answers",
        "create.situation.preferences.excluded_product_ids[0]",
    }
    assert len(listed.proposals) == 0


async def test_too_many_proposals_are_refused_before_anything_is_stored(tmp_path: Path) -> None:
    fakes = Fakes(advice=FakeAdvice(gate=asyncio.Event()))
    assert fakes.advice.gate is not None
    async with advisor(tmp_path, fakes.upstream, Bounds(running=1, queued=1)) as running:
        first = (await running.stub.CreateProposal(create_request(request_id=REQUEST), timeout=SECONDS)).proposal
        queued = (await running.stub.CreateProposal(create_request(), timeout=SECONDS)).proposal
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await running.stub.CreateProposal(create_request(), timeout=SECONDS)
        again = (await running.stub.CreateProposal(create_request(request_id=REQUEST), timeout=SECONDS)).proposal
        listed = await running.stub.ListProposals(service.ListProposalsRequest(), timeout=SECONDS)
        fakes.advice.gate.set()
        ends = [(await running.resumed(proposal.id))[-1] for proposal in (first, queued)]
        later = await running.created(create_request())

    assert (refused.value.code(), reason_of(refused.value)) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "CAPACITY")
    assert again.id == first.id
    assert len(listed.proposals) == 2
    assert all(end.completed.state == pb.PROPOSAL_STATE_AWAITING_APPROVAL for end in [*ends, later[-1]])


async def test_work_that_is_stopped_ends_as_failed_at_once(tmp_path: Path) -> None:
    fakes = Fakes(advice=FakeAdvice(gate=asyncio.Event()))
    async with advisor(tmp_path, fakes.upstream, Bounds(running=1, queued=1)) as running:
        made = [(await running.stub.CreateProposal(create_request(), timeout=SECONDS)).proposal.id for _ in range(2)]
        await running.events(service.StreamProposalRequest(resume=service.ResumeProposal(proposal_id=made[0])), most=9)
    async with advisor(tmp_path, fakes.upstream) as restarted:
        ends = [await restarted.get(proposal_id) for proposal_id in made]

    for end in ends:
        assert (end.state, end.failure.reason) == (pb.PROPOSAL_STATE_FAILED, "INTERNAL")
    # What was recorded before stays readable.
    assert ends[0].segments
    assert ends[0].WhichOneof("outcome") == "failure"


async def test_proposals_are_listed_newest_first_without_their_texts(tmp_path: Path) -> None:
    async with advisor(tmp_path, Fakes().upstream) as running:
        made = [(await running.created(create_request()))[0].proposal_id for _ in range(3)]
        first = await running.stub.ListProposals(service.ListProposalsRequest(page_size=2), timeout=SECONDS)
        rest = await running.stub.ListProposals(
            service.ListProposalsRequest(page_size=2, page_token=first.next_page_token), timeout=SECONDS
        )

    assert [proposal.id for proposal in [*first.proposals, *rest.proposals]] == made[::-1]
    assert rest.next_page_token == ""
    assert all(p.recommendation.lines and not (p.facts or p.segments or p.passages) for p in first.proposals)


@pytest.mark.parametrize(
    ("request_", "code", "field"),
    [
        (service.StreamProposalRequest(), grpc.StatusCode.INVALID_ARGUMENT, "start"),
        (
            service.StreamProposalRequest(resume=service.ResumeProposal()),
            grpc.StatusCode.INVALID_ARGUMENT,
            "resume.proposal_id",
        ),
        (
            service.StreamProposalRequest(resume=service.ResumeProposal(proposal_id="x")),
            grpc.StatusCode.NOT_FOUND,
            None,
        ),
    ],
)
async def test_streams_that_attach_to_nothing_are_refused(
    tmp_path: Path, request_: service.StreamProposalRequest, code: grpc.StatusCode, field: str | None
) -> None:
    async with advisor(tmp_path, Fakes().upstream) as running:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await running.events(request_)

    assert refused.value.code() == code
    assert [name for name, _ in violations_of(refused.value)] == ([field] if field else [])
