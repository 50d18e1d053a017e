"""What follows from the optimum: money, level and the ways not chosen."""

from __future__ import annotations

from decimal import Decimal
from typing import get_args

import pytest

from services.orchestrator.catalogue.risk_level import band_level
from services.orchestrator.catalogue.rules import ClientClass
from services.orchestrator.naming import named_products
from tests.unit.orchestrator.advice_kit import catalogue, family, proposal, propose, situation, worth


def test_cost_and_bad_year_are_shares_of_the_total() -> None:
    made = proposal("US", "C4").recommendation

    total = made.total_value.amount
    assert float(made.yearly_cost.amount) == pytest.approx(float(total) * made.analysis.expense_ratio, abs=0.005)
    assert float(made.bad_year_loss.amount) == pytest.approx(float(total) * made.analysis.cvar.loss, abs=0.005)
    assert made.portfolio_risk_level == band_level(made.analysis.volatility, catalogue().level_rule)


@pytest.mark.parametrize("jurisdiction", ["US", "CN"])
@pytest.mark.parametrize("client_class", get_args(ClientClass))
def test_no_way_has_less_risk_than_the_one_of_least_risk(jurisdiction: str, client_class: ClientClass) -> None:
    made = proposal(jurisdiction, client_class).recommendation

    minimum = next(item for item in made.alternatives if item.id == "minimum_risk")
    assert minimum.analysis.volatility <= made.analysis.volatility + 1e-9


def test_doing_nothing_with_cash_only_earns_the_return_of_cash() -> None:
    nothing = proposal("US", "C3").recommendation.alternatives[0]

    assert nothing.analysis.expected_return == catalogue().assumptions.classes["us_cash"].expected_return
    assert (nothing.analysis.volatility, nothing.weights) == (0.0, ())
    assert "a lower expected return" in nothing.reason.en
    assert "smaller swings" in nothing.reason.en


def test_reasons_compare_the_numbers_that_are_shown() -> None:
    made = proposal("CN", "C4").recommendation

    for alternative in made.alternatives:
        lower = alternative.analysis.expected_return_net < made.analysis.expected_return_net
        smaller = alternative.analysis.volatility < made.analysis.volatility
        assert ("a lower expected return" in alternative.reason.en) == lower
        assert ("smaller swings" in alternative.reason.en) == smaller
        assert ("较低" in alternative.reason.zh) == lower
        assert ("波动较小" in alternative.reason.zh) == smaller


def test_keeping_a_holding_above_the_class_is_the_reason_against_doing_nothing() -> None:
    made = propose(situation("US", "C2", "1000", [worth("VTI", "5000"), worth("GLD", "4000")])).recommendation

    nothing = made.alternatives[0]
    assert "above R2, the limit of this client's class" in nothing.reason.en
    assert "Vanguard Total Stock Market Index Fund ETF and " in nothing.reason.en
    assert [weight.weight for weight in nothing.weights] == [0.5, 0.4]


def test_today_is_analysed_only_when_something_is_held() -> None:
    assert proposal("US", "C3").recommendation.current is None
    assert family().recommendation.current is not None


def test_a_total_of_one_cent_is_still_a_portfolio() -> None:
    made = propose(situation(cash="0.01")).recommendation

    assert sum(line.value.amount for line in made.lines) == Decimal("0.01")


def test_products_of_the_proposal_and_holdings_that_are_sold_can_be_named() -> None:
    made = family()

    named = {item.product_id: item for item in named_products(made.case, made.current, made.recommendation)}

    assert named["SPY"].held_today
    assert not named["SPY"].proposed
    assert named["BND"].proposed
    assert named["BND"].main_risks[0].en == catalogue().products["BND"].main_risks.en[0]
    assert named["EXT1"].main_risks == ()
