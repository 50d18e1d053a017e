"""Tail programs that start from kept references: the same answers, whatever came before, and a bounded memory."""

from __future__ import annotations

from typing import Any

import cvxpy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.optimizer.answers import OptimizeJob, Portfolio
from services.optimizer.engine import optimize
from services.optimizer.estimates import Estimates, Scenarios
from services.optimizer.objective import MeanCvarUtility, MeanVarianceUtility, MinimumCvar, Wanted
from services.optimizer.problem import CvarLimit, Limits, Problem
from services.optimizer.solve import Solver
from services.optimizer.tail_starts import TailStarts
from services.optimizer.tails import mean_loss
from tests.unit.optimizer.builders import capped, dense_market, group, products

cp: Any = cvxpy
MARKET = dense_market([0.0], [[0.0]])
FEW = settings(max_examples=6, deadline=None)


def _returns(seed: int, count: int = 400, assets: int = 12) -> np.ndarray:
    draw = np.random.default_rng(seed)
    common = 0.02 * draw.standard_t(5, size=(count, 4)) @ draw.normal(size=(4, assets))
    return np.asarray(common + 0.02 * draw.standard_t(5, size=(count, assets)) + draw.uniform(0.0, 0.01, assets))


def _solve(returns: np.ndarray, objective: Wanted, limits: Limits, solver: Solver) -> Portfolio:
    estimates = Estimates(scenarios=Scenarios(returns, 1.0))
    problem = Problem("USD", products(returns.shape[1]), limits, estimates=estimates)
    answer = optimize(OptimizeJob(problem, MARKET, objective), solver)
    assert isinstance(answer, Portfolio)
    return answer


def _capped(returns: np.ndarray, cap: float) -> Limits:
    return Limits(capped(products(returns.shape[1]), cap), (group("g", ["p0", "p1", "p2"], 0.1, 0.4),))


@FEW
@given(st.integers(0, 10_000), st.permutations(range(5)), st.floats(0.15, 1.0), st.floats(0.05, 20.0))
def test_what_came_before_changes_no_bit(seed: int, order: list[int], cap: float, price: float) -> None:
    returns, limits = _returns(seed), _capped(_returns(seed), cap)
    before: list[Wanted] = [
        MinimumCvar(0.95),
        MinimumCvar(0.9),
        MeanCvarUtility(0.95, 0.3),
        MeanCvarUtility(0.95, 7.0),
        MeanVarianceUtility(3.0),
    ]
    alone = _solve(returns, MeanCvarUtility(0.95, price), limits, Solver())

    solver = Solver()
    for place in order:
        _solve(returns + 0.001 * (place % 2), before[place], _capped(returns, 0.2 + 0.1 * place), solver)
    after = _solve(returns, MeanCvarUtility(0.95, price), limits, solver)

    assert after.weights.tolist() == alone.weights.tolist()


@pytest.mark.parametrize("objective", [MinimumCvar(0.95), MeanCvarUtility(0.95, 1.0)])
def test_the_full_size_agrees_with_the_whole_program_warm_as_cold(objective: MinimumCvar | MeanCvarUtility) -> None:
    returns = _returns(11, 2_500, 100)
    limits, w = _capped(returns, 0.1), cp.Variable(100)
    level, excess = cp.Variable(), cp.Variable(2_500)
    gain = returns.mean(axis=0) @ w if isinstance(objective, MeanCvarUtility) else 0.0
    value = level + cp.sum(excess) / (2_500 * 0.05) - gain
    rows = [cp.sum(w) == 1, w >= 0, w <= 0.1, cp.sum(w[:3]) >= 0.1, excess >= 0, excess >= -returns @ w - level]
    cp.Problem(cp.Minimize(value), rows).solve(solver="CLARABEL")
    solver = Solver()
    _solve(returns, MeanCvarUtility(0.95, 0.4), limits, solver)

    warm, cold = (_solve(returns, objective, limits, each) for each in (solver, Solver()))

    reached = mean_loss(returns @ warm.weights, 0.95)
    reached -= float(returns.mean(axis=0) @ warm.weights) if isinstance(objective, MeanCvarUtility) else 0.0
    # Clarabel's own accuracy on a problem whose numbers are hundredths.
    assert reached == pytest.approx(float(value.value), abs=1e-8)
    assert warm.weights == pytest.approx(cold.weights, abs=1e-9)
    assert warm.certificate.residuals.largest <= 1e-9


@FEW
@given(st.integers(0, 10_000), st.permutations(range(12)), st.floats(0.01, 100.0))
def test_scale_and_order_of_products_do_not_matter(seed: int, order: list[int], scale: float) -> None:
    returns = _returns(seed)
    plain = _solve(returns, MeanCvarUtility(0.9, 2.0), Limits(), Solver())

    other = _solve(returns[:, order] * scale / 100.0, MeanCvarUtility(0.9, 2.0), Limits(), Solver())

    assert other.weights == pytest.approx(plain.weights[list(order)], abs=1e-7)


@FEW
@given(st.integers(0, 10_000), st.floats(0.1, 5.0), st.floats(1.1, 4.0))
def test_who_minds_losses_more_has_less_of_them_and_expects_less(seed: int, price: float, factor: float) -> None:
    returns = _returns(seed)

    bold, careful = (
        _solve(returns, MeanCvarUtility(0.95, aversion), Limits(), Solver()).weights
        for aversion in (price, price * factor)
    )

    assert mean_loss(returns @ careful, 0.95) <= mean_loss(returns @ bold, 0.95) + 1e-9
    assert (returns @ careful).mean() <= (returns @ bold).mean() + 1e-9


def test_a_loss_priced_at_almost_nothing_is_the_highest_return() -> None:
    returns = _returns(4)

    found = _solve(returns, MeanCvarUtility(0.95, 1e-6), Limits(), Solver())

    assert found.weights[np.argmax(returns.mean(axis=0))] == pytest.approx(1.0)


def test_as_many_scenarios_are_kept_as_there_is_room_for() -> None:
    starts, zeros = TailStarts(capacity=3), np.zeros(12)

    for seed in range(10):
        starts.start(_returns(seed), 0.95, 1.0, zeros)

    assert starts.kept_bytes == 3 * _returns(0).nbytes


def test_scenarios_too_large_to_keep_with_others_push_those_out() -> None:
    large = _returns(1, 2_000)
    starts = TailStarts(most_bytes=large.nbytes)

    for returns in (_returns(0), large, large + 0.001):
        starts.start(returns, 0.95, 1.0, np.zeros(12))

    assert starts.kept_bytes == large.nbytes


def test_a_ladder_has_an_end() -> None:
    starts, returns = TailStarts(), _returns(2, 100, 3)

    chosen = {id(starts.start(returns, 0.9, float(price), returns.mean(axis=0))) for price in np.logspace(-8, 8, 300)}

    assert len(chosen) == 50


def test_a_limit_on_the_loss_starts_from_the_same_place_too() -> None:
    returns = _returns(7)
    least = mean_loss(returns @ _solve(returns, MinimumCvar(0.95), Limits(), Solver()).weights, 0.95)
    limits, solver = Limits(max_cvar=CvarLimit(least * 1.1, 0.95)), Solver()
    alone = _solve(returns, MeanVarianceUtility(3.0), limits, Solver())

    _solve(returns, MeanVarianceUtility(1.0), Limits(max_cvar=CvarLimit(least * 1.4, 0.95)), solver)
    after = _solve(returns, MeanVarianceUtility(3.0), limits, solver)

    assert after.weights == pytest.approx(alone.weights, abs=1e-9)
