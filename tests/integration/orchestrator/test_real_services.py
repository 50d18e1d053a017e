"""Proposals by the real four services, each a process of its own, over a part of the knowledge base.

No model server runs: the advice service writes from its templates.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from fiducia.advice.v1 import segment_pb2
from fiducia.advisor.v1 import advisor_service_pb2 as service
from fiducia.advisor.v1 import proposal_pb2 as pb

from tests.integration.orchestrator.kit import create_request
from tests.integration.orchestrator.processes import SECONDS, Process
from tests.integration.orchestrator.real_services import real_orchestrator

# One loop for all tests, because the services are started once for all of them.
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def orchestrator(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Process]:
    """Return the orchestrator in front of the other three services."""
    async with real_orchestrator(tmp_path_factory.mktemp("data")) as front:
        yield front


async def proposed(orchestrator: Process, request: service.CreateProposalRequest) -> pb.Proposal:
    """Create a proposal and return it whole."""
    call = orchestrator.stub.StreamProposal(service.StreamProposalRequest(create=request), timeout=SECONDS)
    events = [response.event async for response in call]
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    return events[-1].completed


def chinese_request() -> service.CreateProposalRequest:
    """Return a cautious saver in China."""
    request = create_request("cautious")
    request.situation.jurisdiction, request.situation.base_currency = "CN", "CNY"
    request.situation.cash.currency_code, request.situation.language = "CNY", "zh"
    return request


def assert_sound(proposal: pb.Proposal) -> None:
    """Whatever the client: weights sum to one, the text shows facts and cites passages of this proposal only."""
    assert proposal.state == pb.PROPOSAL_STATE_AWAITING_APPROVAL, proposal
    recommendation = proposal.recommendation
    assert sum(line.weight for line in recommendation.lines) == pytest.approx(1.0, abs=1e-9)
    assert {line.product_id for line in recommendation.lines} <= set(proposal.universe.eligible_product_ids)
    assert recommendation.certificate.primal_residual <= recommendation.certificate.tolerance
    facts = {fact.id for fact in proposal.facts}
    handles = {passage.handle for passage in proposal.passages}
    for segment in proposal.segments:
        assert segment.language == proposal.situation.language
        assert segment.origin == segment_pb2.SEGMENT_ORIGIN_TEMPLATE
        for binding in segment.bindings:
            assert binding.WhichOneof("target") != "fact_id" or binding.fact_id in facts
            assert binding.WhichOneof("target") != "citation_handle" or binding.citation_handle in handles
    assert any(segment.citations for segment in proposal.segments)
    versions = proposal.versions
    assert all((versions.catalogue, versions.index_snapshot, versions.market_snapshot, versions.prompts))
    assert versions.assumptions_label == "ILLUSTRATIVE"
    assert versions.assumptions_as_of.year > 0
    assert versions.model == ""


async def test_the_whole_path_gives_sound_proposals_in_both_countries(orchestrator: Process) -> None:
    american = await proposed(orchestrator, create_request())
    chinese = await proposed(orchestrator, chinese_request())

    for proposal in (american, chinese):
        assert_sound(proposal)
    # The cautious client is C2: nothing above R2.
    assert {line.risk_level for line in chinese.recommendation.lines} <= {1, 2}


async def test_questions_are_answered_with_sources_or_not_at_all(orchestrator: Process) -> None:
    question = service.AskQuestionRequest(question="久期是什么？")
    bread = service.AskQuestionRequest(question="How do I bake bread?")

    answer = await orchestrator.stub.AskQuestion(question, timeout=SECONDS)
    abstained = await orchestrator.stub.AskQuestion(bread, timeout=SECONDS)

    assert answer.answer.segments[0].citations
    assert answer.index_snapshot
    assert abstained.abstention.reason


async def test_limits_that_contradict_are_named(orchestrator: Process) -> None:
    impossible = create_request()
    impossible.situation.preferences.max_volatility = 0.0001

    infeasible = await proposed(orchestrator, impossible)

    assert infeasible.state == pb.PROPOSAL_STATE_INFEASIBLE
    assert "limits.max_volatility" in {limit.field for limit in infeasible.infeasibility.conflicts}
    together = {limit.field: limit.relaxed_bound for limit in infeasible.infeasibility.relax_together}
    assert together["limits.max_volatility"] > 0.0001


async def test_an_unknown_index_snapshot_fails_by_name(orchestrator: Process) -> None:
    request = create_request(index_snapshot="f" * 64)

    failed = await proposed(orchestrator, request)

    assert (failed.state, failed.failure.reason) == (pb.PROPOSAL_STATE_FAILED, "NOT_FOUND")
    assert "f" * 64 in failed.failure.message
