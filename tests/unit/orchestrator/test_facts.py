"""Facts: every number of a proposal, exact, rendered and traceable to its root."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import get_args

import pytest

from services.orchestrator.catalogue.rules import ClientClass
from services.orchestrator.facts.build import client_facts
from services.orchestrator.facts.fact import Fact, Quantity
from services.orchestrator.money import Money
from tests.unit.orchestrator.advice_kit import Proposal, catalogue, family, proposal

ALWAYS = [
    "client_class",
    "capacity_score",
    "tolerance_score",
    "binding_side",
    "horizon_years",
    "total_value",
    "cash_today",
    "universe_count",
    "eligible_count",
    "expected_return_net",
    "volatility",
    "bad_year_loss_share",
    "bad_year_loss",
    "cvar_confidence",
    "cost_share",
    "cost_money",
    "turnover",
    "assumptions_date",
    "portfolio_risk_level",
    "product_count",
    "alternative.do_nothing.volatility",
    "alternative.do_nothing.expected_return_net",
    "alternative.do_nothing.bad_year_loss",
    "alternative.minimum_risk.volatility",
]
WITH_HOLDINGS = [
    "current_volatility",
    "current_expected_return_net",
    "current_cost_share",
    "current_bad_year_loss",
    "volatility_change",
    "expected_return_net_change",
    "fee.ext1",
    "trade.spy",
    "trade_side.spy",
]


def number(made: Proposal, fact_id: str) -> float:
    value = made.fact[fact_id].value
    assert isinstance(value, Quantity)
    return value.value


@pytest.mark.parametrize("jurisdiction", ["US", "CN"])
@pytest.mark.parametrize("client_class", get_args(ClientClass))
def test_every_proposal_has_the_agreed_facts(jurisdiction: str, client_class: ClientClass) -> None:
    made = proposal(jurisdiction, client_class)

    assert set(ALWAYS) <= set(made.fact)
    for line in made.recommendation.lines:
        assert {f"{part}.{line.product_id.lower()}" for part in ("weight", "value", "fee")} <= set(made.fact)
        assert made.fact[f"weight.{line.product_id.lower()}"].subject.id == line.product_id


def test_holdings_add_facts_on_today() -> None:
    assert set(WITH_HOLDINGS) <= set(family().fact)
    assert not set(WITH_HOLDINGS) & set(proposal("US", "C3").fact)


@pytest.mark.parametrize("made", [proposal("US", "C3"), proposal("CN", "C5"), family()], ids=["US", "CN", "family"])
def test_every_fact_is_complete(made: Proposal) -> None:
    for fact in made.facts:
        assert re.fullmatch(r"[a-z0-9_.]+", fact.id)
        assert fact.label.en
        assert fact.label.zh
        assert fact.rendered.en
        assert fact.rendered.zh
        assert fact.source.reference
        assert fact.as_of is not None or fact.basis != "HYPOTHETICAL"


@pytest.mark.parametrize("made", [proposal("US", "C3"), proposal("CN", "C5"), family()], ids=["US", "CN", "family"])
def test_facts_derive_from_facts_that_stand_before_them(made: Proposal) -> None:
    seen: set[str] = set()
    for fact in made.facts:
        assert set(fact.source.derived_from) <= seen, fact.id
        seen.add(fact.id)
    assert len(seen) == len(made.facts)


def roots(made: Proposal, fact_id: str) -> list[Fact]:
    fact = made.fact[fact_id]
    return [fact, *(root for id_ in fact.source.derived_from for root in roots(made, id_))]


def test_the_expected_return_is_traced_through_the_solver_to_dated_assumptions() -> None:
    chain = roots(proposal("US", "C3"), "expected_return_net")

    kinds = {fact.source.kind for fact in chain}
    assert {"SOLVER", "ASSUMPTION", "KNOWLEDGE_BASE"} <= kinds
    assumptions = catalogue().assumptions
    stated = [fact for fact in chain if fact.source.kind == "ASSUMPTION"]
    assert all(fact.source.reference == assumptions.id for fact in stated)
    assert all(fact.source.digest == catalogue().digest for fact in stated)
    assert all(fact.as_of == assumptions.as_of for fact in stated)
    assert "assumption.us_aggregate_bond.expected_return" in {fact.id for fact in stated}
    solver = next(fact for fact in chain if fact.source.kind == "SOLVER")
    assert re.fullmatch(r"[A-Z]+ [0-9.]+", solver.source.reference)
    assert solver.source.digest == "a" * 64


def test_a_yuan_clients_dollar_fund_is_traced_to_the_exchange_rate() -> None:
    made = proposal("CN", "C3")

    chain = {fact.id for fact in roots(made, "weight.513500")}
    assert {"assumption.us_large_equity.volatility", "assumption.usd_cny.volatility"} <= chain
    assert "assumption.usd_cny.volatility" not in proposal("US", "C3").fact


@pytest.mark.parametrize("client_class", get_args(ClientClass))
def test_shown_weights_add_up_to_a_hundred_per_cent(client_class: ClientClass) -> None:
    made = proposal("CN", client_class)

    for prefix in ("weight.", "class_weight."):
        shown = [Decimal(f.rendered.en.rstrip("%")) for f in made.facts if f.id.startswith(prefix)]
        assert sum(shown) == Decimal("100.0")


def test_the_cost_is_the_sum_of_share_times_fee() -> None:
    made = family()

    keys = [line.product_id.lower() for line in made.recommendation.lines]
    cost = sum(number(made, f"weight.{key}") * number(made, f"fee.{key}") for key in keys)
    assert number(made, "cost_share") == pytest.approx(cost, abs=1e-9)
    money = made.fact["cost_money"].value
    assert isinstance(money, Money)
    assert float(money.amount) == pytest.approx(cost * float(made.current.total.amount), abs=0.01)


def test_parts_of_the_risk_add_up_to_one() -> None:
    made = proposal("US", "C4")

    shares = [number(made, fact.id) for fact in made.facts if fact.id.startswith("risk_share.")]
    # Crumbs below a tenth of a percent are not lines and carry the rest.
    assert sum(shares) == pytest.approx(1.0, abs=1e-3)


def test_bases_say_how_a_value_came_to_be_true() -> None:
    facts = family().fact

    assert facts["expected_return_net"].basis == "HYPOTHETICAL"
    assert facts["expected_return_net"].net_of_fees is True
    assert facts["assumption.us_large_equity.expected_return"].net_of_fees is False
    assert facts["fee.bnd"].basis == "STATED"
    assert facts["fee.bnd"].as_of is not None
    assert facts["fee.ext1"].basis == "CLIENT_STATED"
    assert facts["total_value"].basis == "CLIENT_STATED"


def test_an_unchecked_fee_makes_the_cost_unchecked() -> None:
    assert proposal("US", "C3").fact["cost_share"].source.verified
    assert not proposal("CN", "C3").fact["cost_share"].source.verified


def test_a_gain_in_a_bad_year_is_named_so() -> None:
    made = proposal("US", "C1").fact

    assert made["bad_year_outcome"].rendered.en == "gain"
    assert made["bad_year_loss"].rendered.en.startswith("−US$")
    assert proposal("US", "C4").fact["bad_year_outcome"].rendered.zh == "亏损"


def test_without_a_portfolio_there_are_facts_on_the_client() -> None:
    made = family()

    facts = {fact.id: fact for fact in client_facts(made.case, made.universe, made.current)}

    assert facts["eligible_count"].rendered.en == str(len(made.universe.eligible_product_ids))
    assert facts["client_class"].rendered.zh == "C3（稳健型）"
    assert facts["total_value"].rendered.en == "US$91,234"
    assert "volatility" not in facts
