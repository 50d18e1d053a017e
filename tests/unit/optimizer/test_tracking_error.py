"""Portfolios that follow a benchmark, and limits on how far they may stray from it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cvxpy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.optimizer.answers import Portfolio
from services.optimizer.objective import (
    MeanVarianceUtility,
    MinimumTrackingError,
)
from services.optimizer.problem import Bound, Limits, Problem, TrackingErrorLimit
from tests.unit.optimizer.builders import best, contradiction, products
from tests.unit.optimizer.three_products import COVARIANCE, FEW, FREE, MARKET, TIGHT, drawn_market

cp: Any = cvxpy
BENCHMARK = (0.6, 0.3, 0.1)


def test_a_benchmark_that_may_be_held_is_held() -> None:
    assert best(FREE, MARKET, MinimumTrackingError(BENCHMARK)).weights == pytest.approx(BENCHMARK, abs=TIGHT)


def test_a_benchmark_that_may_not_be_held_is_followed_as_closely_as_the_cap_lets() -> None:
    limits = Limits({"p0": Bound(maximum=0.4)})
    # Along w0 = 0.4 the difference (-0.2, x, 0.2 - x) has least variance.
    start, slope = np.array([-0.2, 0.0, 0.2]), np.array([0.0, 1.0, -1.0])
    step = -(slope @ COVARIANCE @ start) / (slope @ COVARIANCE @ slope)

    weights = best(replace(FREE, limits=limits), MARKET, MinimumTrackingError(BENCHMARK)).weights

    assert weights == pytest.approx(np.array(BENCHMARK) + start + step * slope, abs=TIGHT)


def _tracked(limit: float) -> Portfolio:
    limits = Limits(tracking_error=TrackingErrorLimit(BENCHMARK, limit))
    return best(replace(FREE, limits=limits), MARKET, MeanVarianceUtility(10.0))


def test_a_tracking_error_limit_is_kept_and_priced() -> None:
    def utility(limit: float) -> float:
        analysis = _tracked(limit).analysis
        return analysis.expected_return_net - 5.0 * analysis.volatility**2

    found = _tracked(0.03)

    difference = found.weights - np.array(BENCHMARK)
    assert np.sqrt(difference @ COVARIANCE @ difference) == pytest.approx(0.03, rel=1e-7)
    (limit,) = found.binding_limits
    assert (limit.field, limit.bound) == ("limits.tracking_error.max_tracking_error", 0.03)
    assert limit.shadow_price == pytest.approx((utility(0.0301) - utility(0.0299)) / 2e-4, rel=1e-3)


@FEW
@given(st.integers(0, 10_000))
def test_a_tracking_error_limit_agrees_with_a_cone_program(seed: int) -> None:
    market, expected, covariance = drawn_market(seed)
    benchmark, root = np.full(6, 1 / 6), np.linalg.cholesky(covariance).T
    w = cp.Variable(6)
    utility = expected @ w - 2.0 * cp.sum_squares(root @ w)
    rows = [cp.sum(w) == 1, w >= 0, cp.norm(root @ (w - benchmark)) <= 0.02]
    cp.Problem(cp.Maximize(utility), rows).solve(solver="CLARABEL")
    limits = Limits(tracking_error=TrackingErrorLimit(tuple(benchmark), 0.02))

    found = best(Problem("USD", products(6), limits), market, MeanVarianceUtility(4.0))

    value = found.analysis.expected_return_net - 2.0 * found.analysis.volatility**2
    assert value == pytest.approx(utility.value, abs=1e-7)


def test_a_tracking_error_that_a_cap_forbids_names_both() -> None:
    limits = Limits({"p0": Bound(maximum=0.3)}, tracking_error=TrackingErrorLimit(BENCHMARK, 0.01))

    conflicts = {c.field: c.relaxed_bound for c in contradiction(replace(FREE, limits=limits), MARKET).conflicts}

    assert set(conflicts) == {"limits.products[p0].max_weight", "limits.tracking_error.max_tracking_error"}
    for eased in (
        replace(limits, products={"p0": Bound(maximum=conflicts["limits.products[p0].max_weight"])}),
        replace(
            limits,
            tracking_error=TrackingErrorLimit(BENCHMARK, conflicts["limits.tracking_error.max_tracking_error"] or 0.0),
        ),
    ):
        assert best(replace(FREE, limits=eased), MARKET).weights.sum() == pytest.approx(1.0)


def test_volatility_and_tracking_error_that_contradict_each_other_are_both_named() -> None:
    limits = Limits(max_volatility=0.1, tracking_error=TrackingErrorLimit((1.0, 0.0, 0.0), 0.05))

    conflicts = {c.field: c.relaxed_bound for c in contradiction(replace(FREE, limits=limits), MARKET).conflicts}

    assert set(conflicts) == {"limits.max_volatility", "limits.tracking_error.max_tracking_error"}
    eased = replace(limits, max_volatility=conflicts["limits.max_volatility"])
    assert best(replace(FREE, limits=eased), MARKET).weights.sum() == pytest.approx(1.0)
