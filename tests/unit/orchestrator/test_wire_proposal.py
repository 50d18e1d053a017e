"""What the pipeline made, as messages: nothing is left out and nothing changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from fiducia.advisor.v1 import proposal_pb2 as pb
from fiducia.type.v1 import fact_pb2, risk_pb2

from services.orchestrator.facts.fact import Fact, FactSource, Quantity, Subject
from services.orchestrator.money import Money
from services.orchestrator.portfolio import ConflictingLimit, Infeasibility
from services.orchestrator.recommendation import Recommendation
from services.orchestrator.steps import Blocked, Conclusion, Failure, Outcome, Versions
from services.orchestrator.text import Text
from services.orchestrator.wire_facts import fact_message
from services.orchestrator.wire_proposal import FIDUCIA_VERSION, finisher, recommendation_message
from tests.fakes import Fakes
from tests.unit.orchestrator.test_pipeline import drafted, order

FACT = Fact(
    id="fee.vti",
    subject=Subject("PRODUCT", "VTI"),
    label=Text("fee", "费率"),
    value=Quantity(0.0003, "PERCENT"),
    rendered=Text("0.03%", "0.03%"),
    basis="STATED",
    source=FactSource("KNOWLEDGE_BASE", "etf-fees-2021", "d", True, ("a", "b")),
    as_of=date(2021, 6, 30),
    net_of_fees=False,
)


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (Quantity(0.01, "PERCENT_POINT"), "quantity"),
        (Money("USD", Decimal("-12.34")), "money"),
        (date(2026, 11, 1), "date"),
        ("C3", "text"),
    ],
)
def test_each_kind_of_value_has_its_field(value: Quantity | Money | date | str, field: str) -> None:
    message = fact_message(replace(FACT, value=value))

    assert message.WhichOneof("value") == field


def test_a_fact_keeps_everything_it_knows() -> None:
    message = fact_message(FACT)

    assert (message.quantity.value, message.quantity.unit) == (0.0003, fact_pb2.UNIT_PERCENT)
    assert (message.subject.kind, message.subject.id) == (fact_pb2.SUBJECT_KIND_PRODUCT, "VTI")
    assert message.basis == fact_pb2.BASIS_STATED
    assert list(message.source.derived_from) == ["a", "b"]
    assert message.source.verified
    assert (message.as_of.year, message.as_of.month, message.as_of.day) == (2021, 6, 30)
    # "Not net of fees" and "fees play no part" are two things.
    assert message.HasField("net_of_fees")
    assert not fact_message(replace(FACT, net_of_fees=None)).HasField("net_of_fees")


async def test_a_recommendation_keeps_lines_trades_proof_and_other_ways() -> None:
    conclusion, _ = await drafted(Fakes(), order())
    recommendation = conclusion.outcome
    assert isinstance(recommendation, Recommendation)

    message = recommendation_message(recommendation)

    assert [line.product_id for line in message.lines] == [line.product_id for line in recommendation.lines]
    assert [line.weight for line in message.lines] == [line.weight for line in recommendation.lines]
    assert message.lines[0].risk_level == risk_pb2.RiskLevel.Value(f"RISK_LEVEL_{recommendation.lines[0].risk_level}")
    assert [trade.side for trade in message.trades] == [pb.TRADE_SIDE_BUY] * len(recommendation.trades)
    assert message.analysis.cvar.loss == recommendation.analysis.cvar.loss
    assert message.certificate.solver == "FAKE"
    assert [other.id for other in message.alternatives] == ["do_nothing", "minimum_risk"]
    assert [w.weight for w in message.optimal_weights] == [w.weight for w in recommendation.optimal_weights]
    assert message.total_value.units == 100_000
    assert not message.HasField("current")


@pytest.mark.parametrize(
    ("outcome", "state", "field"),
    [
        (Infeasibility((ConflictingLimit("limits.max_turnover", 0.0),)), pb.PROPOSAL_STATE_INFEASIBLE, "infeasibility"),
        (Blocked(), pb.PROPOSAL_STATE_BLOCKED, "block"),
        (Failure("UPSTREAM_UNAVAILABLE", "advice does not answer"), pb.PROPOSAL_STATE_FAILED, "failure"),
    ],
)
def test_each_end_has_its_state_and_outcome(outcome: Outcome, state: int, field: str) -> None:
    proposal = pb.Proposal(id="p", state=pb.PROPOSAL_STATE_DRAFTING)

    finisher(Conclusion(outcome, Versions("catalogue", "pack")))(proposal)

    assert (proposal.state, proposal.WhichOneof("outcome")) == (state, field)
    assert (proposal.versions.fiducia, proposal.versions.rule_pack) == (FIDUCIA_VERSION, "pack")
    assert not proposal.versions.HasField("assumptions_as_of")
