"""The optimisation problem that follows from a case."""

from __future__ import annotations

import pytest

from services.orchestrator.holdings import current_portfolio
from services.orchestrator.portfolio import (
    ConditionalValueAtRisk,
    Exposure,
    GroupBound,
    Infeasibility,
    MeanVarianceUtility,
    OptimalPortfolio,
    PortfolioProblem,
)
from services.orchestrator.problem import portfolio_problem, utility, without_small_positions
from services.orchestrator.situation import ClientSituation, ExternalProduct, Preferences, RequiredProduct
from services.orchestrator.suitability.universe import select_universe
from tests.unit.orchestrator.advice_kit import case, catalogue, family, optimum, outside, proposal, situation, worth


def problem_of(client: ClientSituation) -> PortfolioProblem:
    of_client = case(client)
    return portfolio_problem(of_client, select_universe(of_client).universe, current_portfolio(client, catalogue()))


def largest(problem: PortfolioProblem) -> dict[str, float | None]:
    return {bound.product_id: bound.max_weight for bound in problem.limits.products}


def test_terms_come_from_the_catalogue() -> None:
    terms = next(terms for terms in problem_of(situation()).products if terms.product_id == "VTI")

    assert terms.exposures == (Exposure("us_large_equity", 0.88), Exposure("us_small_equity", 0.12))
    assert (terms.specific_volatility, terms.expense_ratio, terms.currency_hedged) == (0.01, 0.0003, False)


def test_limits_of_the_class_apply() -> None:
    problem = problem_of(situation())

    limits = case(situation()).limits
    assert problem.limits.max_volatility == limits.max_portfolio_volatility
    assert set(largest(problem).values()) == {limits.max_product_weight}
    groups = {group.name: group for group in problem.limits.groups}
    assert groups["equity"].max_weight == limits.max_group_weight["EQUITY"]
    assert "us_large_equity" in groups["equity"].asset_classes
    assert "gold" in groups["real_asset"].asset_classes
    assert utility(case(situation())) == MeanVarianceUtility(limits.risk_aversion)


@pytest.mark.parametrize(("wish", "expected"), [(0.05, 0.05), (0.9, 0.1), (None, 0.1)])
def test_a_wish_can_only_tighten_the_volatility(wish: float | None, expected: float) -> None:
    problem = problem_of(situation(preferences=Preferences(max_volatility=wish)))

    assert problem.limits.max_volatility == expected


def test_wishes_become_limits_of_their_own() -> None:
    wishes = Preferences(required_products=(RequiredProduct("VTI", 0.1),), max_turnover=0.3)

    limits = problem_of(situation(preferences=wishes)).limits

    assert GroupBound("required_VTI", product_ids=("VTI",), min_weight=0.1) in limits.groups
    assert limits.max_turnover == 0.3


def test_a_contradiction_names_the_wish_and_the_limit() -> None:
    wishes = Preferences(required_products=(RequiredProduct("BND", 0.65),))
    client = situation(preferences=wishes)

    answer = optimum(problem_of(client), utility(case(client)))

    assert isinstance(answer, Infeasibility)
    fields = {conflict.field for conflict in answer.conflicts}
    assert fields == {"limits.groups[required_BND].min_weight", "limits.products[BND].max_weight"}


def test_two_contradictions_at_once_tell_what_to_relax_together() -> None:
    wishes = Preferences(required_products=(RequiredProduct("BND", 0.65),), max_volatility=0.0001)
    client = situation(preferences=wishes)

    answer = optimum(problem_of(client), utility(case(client)))

    assert isinstance(answer, Infeasibility)
    assert all(limit.relaxed_bound is None and not limit.is_unsought for limit in answer.conflicts)
    fields = {limit.field for limit in answer.relax_together}
    assert "limits.max_volatility" in fields
    assert fields & {"limits.groups[required_BND].min_weight", "limits.products[BND].max_weight"}
    assert all(limit.relaxed_bound is not None for limit in answer.relax_together)


def test_a_fund_outside_the_catalogue_can_shrink_but_not_grow() -> None:
    fund = ExternalProduct("Old", "us_large_equity", "R3", None)
    problem = problem_of(situation(cash="90000", holdings=[outside("Old", "10000", fund)]))

    terms = problem.products[-1]
    assert (terms.product_id, terms.exposures) == ("EXT1", (Exposure("us_large_equity", 1.0),))
    assert terms.expense_ratio == 0.0
    assert largest(problem)["EXT1"] == pytest.approx(0.1)


def test_a_holding_above_the_class_is_in_the_problem_with_a_largest_weight_of_zero() -> None:
    problem = problem_of(situation(cash="90000", holdings=[worth("VWO", "10000")]))

    assert largest(problem)["VWO"] == 0.0
    assert [(weight.product_id, weight.weight) for weight in problem.current_weights] == [("VWO", 0.1)]


def test_small_positions_are_dropped_but_not_what_is_held_or_required() -> None:
    made = family()
    problem, best = made.problem, made.recommendation
    weights = {weight.product_id: weight.weight for weight in best.optimal_weights}
    assert all(weight >= 0.01 for key, weight in weights.items() if weight >= 0.001 and not made.current.weight(key))

    first = optimum(problem, utility(made.case))
    assert isinstance(first, OptimalPortfolio)
    smaller = without_small_positions(problem, first, made.current)

    kept = {terms.product_id for terms in (smaller or problem).products}
    assert {"SPY", "TLT", "EXT1"} <= kept
    assert {bound.product_id for bound in (smaller or problem).limits.products} == kept


def test_a_portfolio_without_small_positions_stays_as_it_is() -> None:
    made = proposal("US", "C1")
    best = optimum(made.problem, utility(made.case))
    assert isinstance(best, OptimalPortfolio)

    assert without_small_positions(made.problem, best, made.current) is None
    assert isinstance(best.analysis.cvar, ConditionalValueAtRisk)
