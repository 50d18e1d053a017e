"""Optima against formulas that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from services.optimizer.moments import Market
from services.optimizer.objective import MeanVarianceUtility
from services.optimizer.problem import Bound, Limits, Problem
from tests.unit.optimizer.builders import best, dense_market, group, products

COVARIANCE = np.array([[0.04, 0.006, 0.002], [0.006, 0.0225, 0.001], [0.002, 0.001, 0.01]])
EXPECTED = [0.08, 0.06, 0.04]
# The certificate holds at 1e-6 at the worst; sharpened solutions are far better.
TIGHT = 1e-9


@pytest.fixture
def market() -> Market:
    return dense_market(EXPECTED, COVARIANCE)


def test_two_uncorrelated_assets_are_held_against_their_variances() -> None:
    market = dense_market([0.05, 0.05], np.diag([0.04, 0.01]))

    weights = best(Problem("USD", products(2)), market).weights

    assert weights == pytest.approx([0.2, 0.8], abs=TIGHT)


def test_an_interior_minimum_variance_is_proportional_to_the_inverse_covariance_times_one(market: Market) -> None:
    expected = np.linalg.solve(COVARIANCE, np.ones(3))

    weights = best(Problem("USD", products(3)), market).weights

    assert weights == pytest.approx(expected / expected.sum(), abs=TIGHT)


def test_an_interior_utility_optimum_solves_its_first_order_conditions(market: Market) -> None:
    aversion = 4.0
    inverse = np.linalg.inv(COVARIANCE)
    free = inverse @ EXPECTED / aversion
    budget = inverse @ np.ones(3) / (np.ones(3) @ inverse @ np.ones(3))

    weights = best(Problem("USD", products(3)), market, MeanVarianceUtility(aversion)).weights

    assert weights == pytest.approx(free + budget * (1.0 - free.sum()), abs=TIGHT)


def test_fees_are_subtracted_before_returns_are_compared() -> None:
    market = dense_market([0.06, 0.05], np.diag([0.04, 0.04]))

    # Net of a fee of one point the two are equal, so the risk is split evenly.
    weights = best(Problem("USD", products(2, fees=[0.01, 0.0])), market, MeanVarianceUtility(3.0)).weights

    assert weights == pytest.approx([0.5, 0.5], abs=TIGHT)


def test_specific_volatility_counts_as_risk_of_its_own() -> None:
    market = dense_market([0.05, 0.05], np.diag([0.04, 0.04]))
    plain, noisy = products(1)[0], products(2, specific=0.2)[1]

    # Variances are 0.04 and 0.04 + 0.2^2.
    weights = best(Problem("USD", (plain, noisy)), market).weights

    assert weights == pytest.approx([2 / 3, 1 / 3], abs=TIGHT)


def test_a_binding_product_limit_holds_and_the_rest_is_optimal_given_it(market: Market) -> None:
    limits = Limits({"p2": Bound(maximum=0.3)})
    # With w2 = 0.3 the other two minimise the variance along w0 + w1 = 0.7.
    slope = np.array([1.0, -1.0, 0.0])
    start = np.array([0.0, 0.7, 0.3])
    step = -(slope @ COVARIANCE @ start) / (slope @ COVARIANCE @ slope)

    weights = best(Problem("USD", products(3), limits), market).weights

    assert weights == pytest.approx(start + step * slope, abs=TIGHT)


def test_a_group_limit_binds_the_sum_of_its_members(market: Market) -> None:
    limits = Limits(groups=(group("growth", ["p0", "p1"], minimum=0.8),))

    weights = best(Problem("USD", products(3), limits), market).weights

    assert weights[:2].sum() == pytest.approx(0.8, abs=TIGHT)


def test_a_volatility_limit_gives_the_portfolio_of_highest_return_at_that_volatility() -> None:
    market = dense_market([0.03, 0.08], np.diag([0.0, 0.04]))
    limits = Limits(max_volatility=0.05)

    # A riskless and a risky asset: a quarter of the risky one's 20 % is 5 %.
    weights = best(Problem("USD", products(2), limits), market, MeanVarianceUtility(0.1)).weights

    assert weights == pytest.approx([0.75, 0.25], abs=TIGHT)


def test_turnover_moves_as_far_towards_the_optimum_as_it_may() -> None:
    market = dense_market([0.05, 0.05], np.diag([0.04, 0.01]))
    limits = Limits(max_turnover=0.1)

    # The optimum is 0.2 and 0.8; selling a tenth and buying a tenth is a turnover of a tenth.
    weights = best(Problem("USD", products(2), limits, {"p0": 1.0}), market).weights

    assert weights == pytest.approx([0.9, 0.1], abs=TIGHT)


def test_investing_cash_counts_as_turnover() -> None:
    market = dense_market([0.05, 0.05], np.diag([0.04, 0.01]))
    limits = Limits(max_turnover=0.3)

    # A tenth is cash: 0.1 of the turnover invests it, 0.2 is left to switch with.
    weights = best(Problem("USD", products(2), limits, {"p0": 0.9}), market).weights

    assert weights == pytest.approx([0.7, 0.3], abs=TIGHT)


def test_a_turnover_of_zero_keeps_what_is_held(market: Market) -> None:
    held = {"p0": 0.5, "p1": 0.25, "p2": 0.25}

    weights = best(Problem("USD", products(3), Limits(max_turnover=0.0), held), market).weights

    assert weights == pytest.approx([0.5, 0.25, 0.25], abs=TIGHT)


def test_limits_that_leave_a_single_portfolio_return_it(market: Market) -> None:
    limits = Limits({f"p{i}": Bound(maximum=1 / 3) for i in range(3)}, max_volatility=0.5)

    portfolio = best(Problem("USD", products(3), limits), market)

    assert portfolio.weights == pytest.approx([1 / 3] * 3, abs=TIGHT)


def test_a_single_product_is_held_whole() -> None:
    market = dense_market([0.05], [[0.04]])

    portfolio = best(Problem("USD", products(1)), market, MeanVarianceUtility(3.0))

    assert portfolio.weights == pytest.approx([1.0])


def test_two_copies_of_one_product_share_its_weight() -> None:
    market = dense_market([0.05, 0.05], [[0.04, 0.04], [0.04, 0.04]])

    weights = best(Problem("USD", products(2)), market, MeanVarianceUtility(3.0)).weights

    # Every split is optimal; the interior point takes the middle, for which this tolerance is wide.
    assert weights == pytest.approx([0.5, 0.5], abs=1e-4)
