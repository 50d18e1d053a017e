"""Lines and trades: what a person acts on adds up exactly."""

from __future__ import annotations

from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.orchestrator.allocation import SMALLEST_WEIGHT, without_crumbs
from services.orchestrator.catalogue.rules import ClientClass
from services.orchestrator.facts.products import shown_tenths
from services.orchestrator.portfolio import Weight
from services.orchestrator.trades import turnover
from tests.unit.orchestrator.advice_kit import Proposal, family, outside, proposal, propose, situation, worth


def optimum_of(*weights: float) -> tuple[Weight, ...]:
    return tuple(Weight(f"P{i}", weight) for i, weight in enumerate(weights))


def test_crumbs_are_dropped_and_spread() -> None:
    cleaned = without_crumbs(optimum_of(0.6, 0.3995, 0.0005), {}, {})

    assert [weight.weight for weight in cleaned.weights] == pytest.approx([0.6 / 0.9995, 0.3995 / 0.9995, 0.0])
    assert cleaned.dropped_weight == pytest.approx(0.0005)
    assert cleaned.gap == pytest.approx(0.0005)


def test_a_line_at_its_cap_takes_none_of_what_is_freed() -> None:
    cleaned = without_crumbs(optimum_of(0.35, 0.6495, 0.0005), {}, {"P0": 0.35})

    assert [weight.weight for weight in cleaned.weights] == pytest.approx([0.35, 0.65, 0.0])


def test_a_change_too_small_to_see_is_not_traded() -> None:
    cleaned = without_crumbs(optimum_of(0.2003, 0.7997), {"P0": 0.2}, {})

    assert [weight.weight for weight in cleaned.weights] == pytest.approx([0.2, 0.8])


def test_a_holding_that_must_be_sold_is_sold_however_small() -> None:
    cleaned = without_crumbs(optimum_of(0.0, 1.0), {"P0": 0.0004}, {"P0": 0.0})

    assert [weight.weight for weight in cleaned.weights] == [0.0, 1.0]


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=30).filter(lambda w: max(w) > 0.05), st.data())
def test_cleaned_weights_sum_to_one_and_have_no_crumbs(parts: list[float], data: st.DataObject) -> None:
    optimum = optimum_of(*(part / sum(parts) for part in parts))
    held = {f"P{data.draw(st.integers(0, len(parts) - 1))}": data.draw(st.floats(0.0, 0.5))}

    cleaned = without_crumbs(optimum, held, {})

    weights = {weight.product_id: weight.weight for weight in cleaned.weights}
    assert sum(weights.values()) == pytest.approx(1.0, abs=1e-12)
    assert all(w == 0.0 or w >= SMALLEST_WEIGHT * 0.99 or key in held for key, w in weights.items())
    assert cleaned.gap <= cleaned.dropped_weight + 0.001


def assert_adds_up(made: Proposal) -> None:
    lines, total = made.recommendation.lines, made.current.total.amount
    bought, sold = (
        sum((trade.amount.amount for trade in made.recommendation.trades if trade.side == side), Decimal(0))
        for side in ("BUY", "SELL")
    )
    assert sum(line.value.amount for line in lines) == total
    assert bought == sold + made.current.cash.amount
    assert sum(shown_tenths(lines).values()) == 1000
    assert all(trade.amount.amount > 0 for trade in made.recommendation.trades)


@pytest.mark.parametrize("jurisdiction", ["US", "CN"])
@pytest.mark.parametrize("client_class", get_args(ClientClass))
def test_lines_and_trades_sum_for_every_class(jurisdiction: str, client_class: ClientClass) -> None:
    assert_adds_up(proposal(jurisdiction, client_class))


@settings(max_examples=25, deadline=None)
@given(
    cash=st.integers(0, 10**9),
    held=st.dictionaries(st.sampled_from(["VTI", "BND", "GLD", "VWO", "TLT"]), st.integers(1, 10**9), max_size=4),
    external=st.integers(1, 10**9),
)
def test_lines_and_trades_sum_exactly_for_any_holdings(cash: int, held: dict[str, int], external: int) -> None:
    holdings = [worth(key, str(Decimal(value) / 100)) for key, value in held.items()]
    holdings.append(outside("Old", str(Decimal(external) / 100)))

    made = propose(situation(cash=str(Decimal(cash) / 100), holdings=holdings))

    assert_adds_up(made)
    assert all(line.weight <= line.current_weight + 1e-9 for line in made.recommendation.lines if line.external)


def test_no_fund_outside_the_catalogue_is_bought_and_what_must_go_is_sold_whole() -> None:
    made = propose(situation(cash="50000", holdings=[worth("VWO", "10000"), outside("Old", "5000")]))

    sold = {trade.product_id: trade for trade in made.recommendation.trades if trade.side == "SELL"}
    bought = {trade.product_id for trade in made.recommendation.trades if trade.side == "BUY"}
    assert sold["VWO"].amount.amount == 10000
    assert "EXT1" not in bought


def test_units_are_known_where_a_price_is() -> None:
    trades = {trade.product_id: trade for trade in family().recommendation.trades}

    assert trades["SPY"].units == 100
    assert trades["TLT"].units is None


def test_turnover_is_the_share_that_is_bought() -> None:
    made = family()

    bought = sum(t.amount.amount for t in made.recommendation.trades if t.side == "BUY")
    assert turnover(made.current, made.recommendation.lines) == pytest.approx(
        float(bought / made.current.total.amount), abs=1e-6
    )


def test_lines_stand_the_largest_first() -> None:
    weights = [line.weight for line in proposal("US", "C4").recommendation.lines]

    assert weights == sorted(weights, reverse=True)
