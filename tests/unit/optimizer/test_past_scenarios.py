"""Scenarios from the prices of a snapshot: when they are made, of what, and when they cannot be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fiducia.optimizer.v1 import optimizer_service_pb2 as service

from services.optimizer.answers import OptimizeJob, Portfolio
from services.optimizer.engine import optimize
from services.optimizer.estimates import DenseCovariance, Estimates, Scenarios
from services.optimizer.estimators import Estimation
from services.optimizer.objective import MeanCvarUtility, MeanVarianceUtility, MinimumCvar, MinimumVariance, Wanted
from services.optimizer.parse_batch import parse_batch
from services.optimizer.past_scenarios import with_past_scenarios
from services.optimizer.price_import import ImportJob, imported
from services.optimizer.price_snapshot import PriceSnapshot, decoded
from services.optimizer.prices_read import Format
from services.optimizer.problem import CvarLimit, Limits, Problem, Product
from services.optimizer.tail_risk import TailMethod, historical_outcomes, outcome_tail
from services.optimizer.tails import mean_loss
from shared.errors import InvalidRequest, UnsupportedCombination
from tests.unit.optimizer.builders import SOLVER, dense_market
from tests.unit.optimizer.price_tables import walk_prices, weekdays, wide_csv

NAMES = ("AAA", "BBB", "CCC")
DAYS = weekdays(400)
GOAL = MinimumCvar(0.9)


def _snapshot(volatility: float = 0.01) -> PriceSnapshot:
    prices = walk_prices(400, 3, volatility=volatility)
    # One product is twice as lively, so that the least loss is no even mixture.
    prices[:, 0] = 100.0 * (prices[:, 0] / 100.0) ** 2
    return decoded(
        imported(ImportJob(wide_csv(DAYS, NAMES, prices), Format.AUTO, "USD", "Made up", Estimation())).content
    )


PRICES = _snapshot()
MARKET = PRICES.market


def _problem(**changes: object) -> Problem:
    items = tuple(Product(name, "any", {}, 0.0, 0.01) for name in NAMES)
    return replace(Problem("USD", items), **changes)  # type: ignore[arg-type]


def _best(problem: Problem, goal: Wanted, prices: PriceSnapshot = PRICES) -> Portfolio:
    answer = optimize(OptimizeJob(with_past_scenarios(problem, goal, prices), prices.market, goal), SOLVER)
    assert isinstance(answer, Portfolio)
    return answer


@pytest.mark.parametrize("goal", [GOAL, MeanCvarUtility(0.9, 1.0)])
def test_a_goal_on_the_worst_outcomes_is_met_over_a_month_of_past_prices(goal: Wanted) -> None:
    found = _best(_problem(), goal)

    past = with_past_scenarios(_problem(), goal, PRICES).past
    assert past is not None
    assert past.returns.shape == (400 - 21, 3)
    assert past.horizon_years == pytest.approx(1.0 / 12.0)
    assert found.certificate.residuals.largest <= found.certificate.tolerance


def test_the_least_loss_is_that_of_the_historical_tail_which_the_analysis_of_risk_reports() -> None:
    history = PRICES.panel.history(NAMES)

    weights = _best(_problem(), GOAL).weights

    past = with_past_scenarios(_problem(), GOAL, PRICES).past
    assert past is not None
    reported = outcome_tail(historical_outcomes(history, weights, 1 / 12), 0.9, 1 / 12, TailMethod.HISTORICAL)
    # Prices have paid the fees of one per cent: they are not taken off again.
    assert mean_loss(past.returns @ weights, 0.9) == pytest.approx(reported.conditional_value_at_risk, abs=1e-12)
    others = np.random.default_rng(3).dirichlet(np.ones(3), 500)
    least = min(mean_loss(past.returns @ other, 0.9) for other in others)
    assert reported.conditional_value_at_risk <= least + 1e-12


def test_a_limit_on_the_loss_is_kept_over_the_horizon_that_the_request_states() -> None:
    limits = Limits(max_cvar=CvarLimit(0.045, 0.9))
    problem = _problem(limits=limits, scenario_horizon_years=10 / 252)

    found = _best(problem, MeanVarianceUtility(0.01))

    past = with_past_scenarios(problem, GOAL, PRICES).past
    assert past is not None
    assert past.returns.shape == (390, 3)
    # What expects most, all in one product, would lose more.
    assert mean_loss(past.returns @ found.weights, 0.9) == pytest.approx(0.045, abs=1e-7)


@pytest.mark.parametrize(
    ("goal", "changes"),
    [
        (MinimumVariance(), {}),
        (GOAL, {"estimates": Estimates(scenarios=Scenarios(np.zeros((2, 3)), 1.0))}),
        (GOAL, {"base_currency": "CNY"}),
        (GOAL, {"products": (Product("ZZZ", "any", {}, 0.0, 0.0),)}),
    ],
)
def test_none_are_made_where_none_are_needed_or_the_prices_do_not_have_them(
    goal: Wanted, changes: dict[str, object]
) -> None:
    assert with_past_scenarios(_problem(**changes), goal, PRICES).past is None


def test_a_covariance_of_the_callers_own_goes_with_scenarios_from_the_prices() -> None:
    own = Estimates(np.full(3, 0.05), DenseCovariance(np.eye(3)))

    found = _best(_problem(estimates=own), GOAL)

    assert found.weights == pytest.approx(_best(_problem(), GOAL).weights, abs=1e-9)
    assert found.analysis.volatility == pytest.approx(np.linalg.norm(found.weights))


@pytest.mark.parametrize("goal", [GOAL, MinimumVariance()])
def test_a_snapshot_without_prices_is_refused_with_what_would_do(goal: Wanted) -> None:
    limits = Limits() if goal is GOAL else Limits(max_cvar=CvarLimit(0.1, 0.95))
    items = (Product("p0", "a0", {"a0": 1.0}, 0.0, 0.0),)
    problem = with_past_scenarios(Problem("USD", items, limits), goal, None)

    with pytest.raises(UnsupportedCombination, match="or, but for a back-test, a market snapshot that holds prices"):
        optimize(OptimizeJob(problem, dense_market([0.05], [[0.04]]), goal), SOLVER)


def test_too_few_stretches_of_the_horizon_are_refused_with_their_number() -> None:
    with pytest.raises(InvalidRequest, match=r"scenario_horizon_years: the prices hold 22 stretches of 1\.5 years"):
        with_past_scenarios(_problem(scenario_horizon_years=1.5), GOAL, PRICES)


def test_requests_over_the_same_products_share_their_scenarios() -> None:
    first, second = (with_past_scenarios(_problem(), GOAL, PRICES).past for _ in range(2))

    assert first is second


def test_an_item_of_a_batch_has_scenarios_where_it_needs_them() -> None:
    request = service.BatchOptimizePortfoliosRequest()
    request.universe.base_currency = "USD"
    for name in NAMES:
        request.universe.products.add(product_id=name, asset_class="any", expense_ratio=0.01)
    request.items.add(item_id="loss").objective.minimum_cvar.confidence = 0.9
    request.items.add(item_id="variance").objective.minimum_variance.SetInParent()

    batch = parse_batch(request, MARKET, PRICES)

    assert [batch.job(item).problem.past is None for item in request.items] == [False, True]
