"""Limits on the number of positions, against every choice tried one by one and against another method."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from services.optimizer.answers import Infeasible, OptimizeJob, Portfolio
from services.optimizer.engine import optimize
from services.optimizer.expectations import expectations_of, moments_of
from services.optimizer.moments import Market
from services.optimizer.objective import (
    MeanVarianceUtility,
    MinimumTrackingError,
    MinimumVariance,
    TargetReturn,
    Wanted,
)
from services.optimizer.positions.conflicts import MAX_POSITIONS
from services.optimizer.problem import Bound, CvarLimit, Limits, PositionLimit, Problem, TrackingErrorLimit
from services.optimizer.standard_form import StandardForm, standard_form
from services.optimizer.what_if import objective_value
from shared.errors import UnsupportedCombination
from tests.unit.optimizer.builders import SOLVER, best, dense_market, group
from tests.unit.optimizer.few_positions import COUNT, HELD, drawn, limited

GOALS: tuple[Wanted, ...] = (
    MinimumVariance(),
    MeanVarianceUtility(3.0),
    TargetReturn(0.06),
    MinimumTrackingError((0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1)),
)


LIMITS = {
    "free": Limits(),
    "bands": Limits(
        products={"p0": Bound(0.1, 0.5), "p3": Bound(maximum=0.3)}, groups=(group("g", ["p4", "p5"], 0.15, 0.6),)
    ),
    "turnover": Limits(max_turnover=0.45),
}


def every_choice(problem: Problem, market: Market, goal: Wanted) -> float | None:
    """Return the best value over all choices of positions, each solved by itself; None where none is possible."""
    limit = problem.limits.positions
    assert limit is not None
    expectations, values = expectations_of(problem, market), []
    names = [product.id for product in problem.products]
    for size in range(1, limit.max_positions + 1):
        for held in combinations(names, size):
            bounds = dict(problem.limits.products)
            for name in held:
                own = bounds.get(name, Bound())
                bounds[name] = Bound(max(own.minimum or 0.0, limit.min_position), own.maximum)
            out = frozenset(names) - set(held)
            if any((bounds.get(name, Bound()).minimum or 0.0) > 0.0 for name in out):
                continue
            alone = replace(problem.limits, products=bounds, excluded=out, positions=None)
            answer = optimize(OptimizeJob(replace(problem, limits=alone), market, goal), SOLVER)
            if isinstance(answer, Portfolio):
                values.append(objective_value(expectations, goal, answer.weights))
    return max(values, default=None)


@pytest.mark.parametrize("goal", GOALS, ids=lambda goal: type(goal).__name__)
@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("size", [0.0, 0.18])
def test_no_choice_of_positions_is_better(goal: Wanted, name: str, size: float) -> None:
    problem = limited(replace(LIMITS[name], positions=PositionLimit(3, size)), current=HELD)
    market = drawn(len(name))
    wanted = every_choice(problem, market, goal)
    answer = optimize(OptimizeJob(problem, market, goal), SOLVER)

    if wanted is None:
        assert isinstance(answer, Infeasible)
        return
    assert isinstance(answer, Portfolio)
    found = objective_value(expectations_of(problem, market), goal, answer.weights)
    assert found == pytest.approx(wanted, abs=1e-8)
    assert answer.optimality_gap == 0.0
    assert not answer.time_limited


def outer_approximation(form: StandardForm, limit: PositionLimit) -> float:
    """Return the optimum by linear mixed-integer programs alone: the parabola is cut from below until it is met.

    Duran and Grossmann (1986). Weights w, choices z and the epigraph t of the quadratic part; HiGHS solves.
    """
    n, goal = len(form.lower), form.goal
    eye, nothing = np.eye(n), np.zeros((n, 1))
    rows = [
        LinearConstraint(np.hstack([eye, -eye, nothing]), -np.inf, 0.0),
        LinearConstraint(np.hstack([-eye, limit.min_position * eye, nothing]), -np.inf, 0.0),
        LinearConstraint(np.repeat([0.0, 1.0, 0.0], [n, n, 1]), 0.0, limit.max_positions),
        LinearConstraint(np.repeat([1.0, 0.0], [n, n + 1]), 1.0, 1.0),
    ]
    low, best_value = -np.inf, np.inf
    at = np.full(n, 1.0 / n)
    for _ in range(400):
        risk = form.covariance_times(at)
        value = 0.5 * goal.quadratic * float(at @ risk)
        rows.append(LinearConstraint(np.concatenate([goal.quadratic * risk, np.zeros(n), [-1.0]]), -np.inf, value))
        found = milp(
            np.concatenate([-goal.linear, np.zeros(n), [1.0]]),
            integrality=np.repeat([0, 1, 0], [n, n, 1]),
            bounds=Bounds(np.zeros(2 * n + 1), np.repeat([1.0, np.inf], [2 * n, 1])),
            constraints=rows,
        )
        at, low = found.x[:n], float(found.fun)
        best_value = min(best_value, 0.5 * goal.quadratic * float(at @ form.covariance_times(at)) - goal.linear @ at)
        if best_value - low < 1e-6:
            return float(0.5 * (best_value + low))
    raise AssertionError(f"not settled: {low} to {best_value}")


def test_fifty_products_agree_with_mixed_integer_programs() -> None:
    draw = np.random.default_rng(3)
    root = np.hstack([draw.normal(0.1, 0.05, (50, 3)), np.diag(draw.uniform(0.05, 0.15, 50))])
    market = dense_market(draw.uniform(0.0, 0.15, 50).tolist(), root @ root.T)
    limit = PositionLimit(10, 0.05)
    goal = MeanVarianceUtility(2.0)
    problem = limited(Limits(positions=limit), 50)

    answer = best(problem, market, goal)

    form = standard_form(problem, moments_of(problem, market), goal)
    w = answer.weights
    ours = 0.5 * form.goal.quadratic * float(w @ form.covariance_times(w)) - float(form.goal.linear @ w)
    assert ours == pytest.approx(outer_approximation(form, limit), abs=2e-6)
    assert answer.optimality_gap == 0.0


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    positions=st.integers(1, COUNT),
    size=st.sampled_from([0.0, 0.05, 0.12]),
    goal=st.sampled_from(GOALS[:2]),
)
def test_count_and_size_are_kept_and_one_more_position_is_never_worse(
    seed: int, positions: int, size: float, goal: Wanted
) -> None:
    market, values = drawn(seed), []
    for count in (positions, min(positions + 1, COUNT)):
        problem = limited(Limits(positions=PositionLimit(count, size)))
        answer = best(problem, market, goal)
        held = answer.weights[answer.weights > 0.0]
        assert len(held) <= count
        assert held.min() >= size - 1e-9
        values.append(objective_value(expectations_of(problem, market), goal, answer.weights))
    assert values[1] >= values[0] - 1e-9


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), goal=st.sampled_from(GOALS[:2]))
def test_as_many_positions_as_products_is_no_limit(seed: int, goal: Wanted) -> None:
    market = drawn(seed)

    few = best(limited(Limits(positions=PositionLimit(COUNT, 0.0))), market, goal)

    assert few.weights == pytest.approx(best(limited(Limits()), market, goal).weights, abs=1e-8)
    assert MAX_POSITIONS not in {limit.field for limit in few.binding_limits if limit.shadow_price > 0.0}


def test_the_same_request_gives_the_same_weights_whatever_was_asked_before() -> None:
    problem = limited(Limits(positions=PositionLimit(3, 0.1)))
    first = best(problem, drawn(5), GOALS[1])

    best(problem, drawn(6), GOALS[0])

    assert np.abs(best(problem, drawn(5), GOALS[1]).weights - first.weights).max() <= 1e-9


def test_products_alike_are_chosen_in_their_order() -> None:
    market = dense_market([0.05] * 5, np.diag([0.04] * 5))

    answer = best(limited(Limits(positions=PositionLimit(2, 0.0)), 5), market, MinimumVariance())

    assert answer.weights == pytest.approx([0.5, 0.5, 0.0, 0.0, 0.0])


def hard(count: int = 24) -> tuple[Problem, Market, MinimumTrackingError]:
    """Return a request whose proof takes more than one node."""
    draw = np.random.default_rng(11)
    root = np.hstack([draw.normal(0.1, 0.05, (count, 4)), np.diag(draw.uniform(0.05, 0.15, count))])
    groups = tuple(group(f"g{i}", [f"p{j}" for j in range(i, count, 4)], 0.1, 0.35) for i in range(4))
    limits = Limits(groups=groups, positions=PositionLimit(6, 0.05))
    market = dense_market(draw.uniform(0.0, 0.15, count).tolist(), root @ root.T)
    return limited(limits, count), market, MinimumTrackingError((1.0 / count,) * count)


def variance(problem: Problem, market: Market, goal: Wanted, answer: Portfolio) -> float:
    """Return the variance of the difference to the benchmark."""
    return -objective_value(expectations_of(problem, market), goal, answer.weights)


def test_a_deadline_cuts_the_search_and_the_answer_says_so_with_its_gap() -> None:
    problem, market, goal = hard()

    cut = optimize(OptimizeJob(problem, market, goal, deadline=0.0), SOLVER)
    whole = optimize(OptimizeJob(problem, market, goal), SOLVER)

    assert isinstance(cut, Portfolio)
    assert isinstance(whole, Portfolio)
    assert (cut.time_limited, whole.time_limited) == (True, False)
    assert whole.optimality_gap == 0.0
    assert cut.optimality_gap is not None
    assert cut.optimality_gap > 0.0
    # What the gap promises: the optimum is no lower.
    found, least = variance(problem, market, goal, cut), variance(problem, market, goal, whole)
    assert found * (1.0 - cut.optimality_gap) - 1e-12 <= least <= found + 1e-12


def test_one_position_more_is_worth_at_least_its_shadow_price() -> None:
    problem, market, goal = hard()
    limit = problem.limits.positions
    assert limit is not None
    answer = best(problem, market, goal)
    price = {each.field: each.shadow_price for each in answer.binding_limits}[MAX_POSITIONS]

    freer = replace(problem, limits=replace(problem.limits, positions=replace(limit, max_positions=7)))
    other = best(freer, market, goal)

    # One product added to those that are held is a choice among others with one position more.
    gained = variance(problem, market, goal, answer) - variance(freer, market, goal, other)
    assert 0.0 < price <= gained + 1e-9


def test_what_the_limit_on_positions_costs_is_the_optimum_without_it_less_the_one_with_it() -> None:
    problem, market, goal = hard()
    answer = optimize(OptimizeJob(problem, market, goal, with_limit_costs=True), SOLVER)
    free = best(replace(problem, limits=replace(problem.limits, positions=None)), market, goal)

    assert isinstance(answer, Portfolio)
    cost = {each.field: each.cost for each in answer.limit_costs}[MAX_POSITIONS]
    gained = variance(problem, market, goal, answer) - variance(problem, market, goal, free)
    assert cost == pytest.approx(gained, rel=1e-6)


def test_resampled_ranges_are_refused_with_positions() -> None:
    problem, market, goal = hard(8)

    with pytest.raises(UnsupportedCombination, match="resamples"):
        optimize(OptimizeJob(problem, market, goal, resamples=5), SOLVER)


CURVED = {
    "max_volatility": Limits(max_volatility=0.2),
    "tracking_error": Limits(tracking_error=TrackingErrorLimit((1.0 / COUNT,) * COUNT, 0.05)),
    "max_cvar": Limits(max_cvar=CvarLimit(0.2, 0.95)),
}


@pytest.mark.parametrize("name", CURVED)
def test_curved_limits_beside_positions_are_refused(name: str) -> None:
    both = replace(CURVED[name], positions=PositionLimit(3, 0.0))

    with pytest.raises(UnsupportedCombination, match=f"limits.positions does not go with limits.{name}"):
        optimize(OptimizeJob(limited(both), drawn(1), MinimumVariance()), SOLVER)
