"""Why products are out, what limits cost, how far weights move."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from services.optimizer.answers import OptimizeJob, Portfolio
from services.optimizer.engine import optimize
from services.optimizer.expectations import expectations_of
from services.optimizer.objective import (
    MaximumSharpe,
    MeanVarianceUtility,
    MinimumVariance,
    TargetReturn,
    TargetVolatility,
    Wanted,
)
from services.optimizer.portfolio import Best, best_portfolio
from services.optimizer.problem import Bound, Limits, Problem
from services.optimizer.what_if import TimeLeft, limit_costs, without
from tests.unit.optimizer.builders import SOLVER, best, dense_market, group, products

COVARIANCE = np.array([[0.04, 0.01, 0.012], [0.01, 0.0225, 0.014], [0.012, 0.014, 0.04]])
EXPECTED = [0.08, 0.06, 0.03]
FREE = Problem("USD", products(3))
# The turnover limit leaves less of p0 than wanted; p2 is neither held nor bought.
HELD_BACK = replace(FREE, limits=Limits(max_turnover=0.2), current={"p1": 1.0})


def _asked(problem: Problem, objective: Wanted, resamples: int = 0) -> Portfolio:
    job = OptimizeJob(problem, dense_market(EXPECTED, COVARIANCE), objective, resamples, with_limit_costs=True)
    answer = optimize(job, SOLVER)
    assert isinstance(answer, Portfolio)
    return answer


@pytest.mark.parametrize(
    ("problem", "objective"),
    [
        (FREE, MeanVarianceUtility(4.0)),
        (FREE, MaximumSharpe(0.01)),
        (FREE, TargetReturn(0.074)),
        (FREE, TargetVolatility(0.15)),
        (HELD_BACK, MeanVarianceUtility(4.0)),
        (HELD_BACK, TargetVolatility(0.15)),
    ],
)
def test_a_product_comes_in_once_its_return_has_what_was_missing(problem: Problem, objective: Wanted) -> None:
    (cost,) = _asked(problem, objective).reduced_costs
    returns = {}
    for share in (0.99, 1.05):
        raised = [*EXPECTED[:2], EXPECTED[2] + share * cost.missing_return]
        returns[share] = best(problem, dense_market(raised, COVARIANCE), objective).weights[2]

    assert cost.product_id == "p2"
    assert cost.missing_return > 0.0
    assert returns[0.99] == pytest.approx(0.0, abs=1e-7)
    assert returns[1.05] > 1e-4


def test_where_returns_do_not_count_nothing_is_missing() -> None:
    assert _asked(FREE, MinimumVariance()).reduced_costs == ()


def test_a_limit_costs_what_the_objective_gains_without_it() -> None:
    limits = Limits({"p0": Bound(maximum=0.3)}, (group("g", ["p2"], minimum=0.2),), max_volatility=0.5)
    goal = MeanVarianceUtility(4.0)

    def utility(limits: Limits) -> float:
        analysis = best(replace(FREE, limits=limits), dense_market(EXPECTED, COVARIANCE), goal).analysis
        return analysis.expected_return_net - 2.0 * analysis.volatility**2

    costs = {cost.field: cost.cost for cost in _asked(replace(FREE, limits=limits), goal).limit_costs}

    assert set(costs) == {"limits.products[p0].max_weight", "limits.groups[g].min_weight"}
    for field, cost in costs.items():
        assert cost == pytest.approx(utility(without(limits, field)) - utility(limits), abs=1e-12)
    assert list(costs.values()) == sorted(costs.values(), reverse=True)


def test_ranges_hold_the_weight_and_are_the_same_each_time() -> None:
    first, second = (_asked(FREE, MeanVarianceUtility(4.0), resamples=30) for _ in range(2))

    assert [(r.product_id, r.low, r.high) for r in first.weight_ranges] == [
        (r.product_id, r.low, r.high) for r in second.weight_ranges
    ]
    for weight, each in zip(first.weights, first.weight_ranges, strict=True):
        assert 0.0 <= each.low <= weight + 0.05
        assert each.high >= weight - 0.05
        assert each.high <= 1.0 + 1e-9
    assert any(each.high - each.low > 0.2 for each in first.weight_ranges)


def test_returns_that_do_not_count_move_no_weight() -> None:
    found = _asked(FREE, MinimumVariance(), resamples=5)

    for weight, each in zip(found.weights, found.weight_ranges, strict=True):
        assert [each.low, each.high] == pytest.approx([weight, weight])


def test_a_deadline_that_has_passed_leaves_no_time_for_costs_of_limits() -> None:
    objective = MeanVarianceUtility(4.0)
    expectations = expectations_of(HELD_BACK, dense_market(EXPECTED, COVARIANCE))
    found = best_portfolio(HELD_BACK, expectations, objective, SOLVER)
    assert isinstance(found, Best)
    enough, none = TimeLeft(time.monotonic() + 3_600.0), TimeLeft(time.monotonic())

    in_time = limit_costs(HELD_BACK, expectations, objective, found, SOLVER, enough)
    too_late = limit_costs(HELD_BACK, expectations, objective, found, SOLVER, none)

    assert [cost.field for cost in in_time] == ["limits.max_turnover"]
    assert in_time == limit_costs(HELD_BACK, expectations, objective, found, SOLVER)
    assert too_late == ()
    assert (enough.ran_out, none.ran_out) == (False, True)


def test_all_limits_together_cost_what_the_optimum_without_any_has_more() -> None:
    limits = Limits({"p0": Bound(maximum=0.3)}, max_turnover=0.2)
    problem, objective = replace(HELD_BACK, limits=limits, current={"p1": 0.9, "p2": 0.1}), MeanVarianceUtility(4.0)

    held_back, free = _asked(problem, objective), _asked(FREE, objective)

    def utility(found: Portfolio) -> float:
        return found.analysis.expected_return_net - 2.0 * found.analysis.volatility**2

    assert held_back.all_limits_cost == pytest.approx(utility(free) - utility(held_back), abs=1e-9)
    assert free.all_limits_cost == pytest.approx(0.0, abs=1e-12)
    # Dropping one alone cannot give more.
    assert held_back.limit_costs
    assert all(each.cost <= (held_back.all_limits_cost or 0.0) + 1e-9 for each in held_back.limit_costs)


def test_what_all_limits_cost_is_told_only_where_it_is_asked_for_and_in_time() -> None:
    job = OptimizeJob(HELD_BACK, dense_market(EXPECTED, COVARIANCE), MeanVarianceUtility(4.0))

    silent = optimize(job, SOLVER)
    too_late = optimize(replace(job, with_limit_costs=True, deadline=time.monotonic()), SOLVER)

    assert isinstance(silent, Portfolio)
    assert isinstance(too_late, Portfolio)
    assert (silent.all_limits_cost, too_late.all_limits_cost, too_late.time_limited) == (None, None, True)


def test_ranges_are_those_of_all_draws_or_none_and_the_answer_says_so() -> None:
    job = OptimizeJob(FREE, dense_market(EXPECTED, COVARIANCE), MeanVarianceUtility(4.0), resamples=30)

    whole, in_time, too_late = (
        optimize(replace(job, deadline=deadline), SOLVER)
        for deadline in (None, time.monotonic() + 3_600.0, time.monotonic())
    )

    assert isinstance(whole, Portfolio)
    assert isinstance(in_time, Portfolio)
    assert isinstance(too_late, Portfolio)
    assert in_time.weight_ranges == whole.weight_ranges
    assert (whole.time_limited, in_time.time_limited, too_late.time_limited) == (False, False, True)
    assert too_late.weight_ranges == ()
    assert list(too_late.weights) == list(whole.weights)
