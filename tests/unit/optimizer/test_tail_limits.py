"""Limits on the loss in the worst scenarios: tight ones at full size, linear goals within them, and what is lowest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cvxpy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.optimizer.answers import Infeasible, OptimizeJob, Portfolio
from services.optimizer.engine import optimize
from services.optimizer.estimates import Estimates, Scenarios
from services.optimizer.objective import MeanCvarUtility, MeanVarianceUtility, MinimumCvar, Wanted
from services.optimizer.problem import Bound, CvarLimit, Limits, Problem, TrackingErrorLimit
from services.optimizer.tails import mean_loss
from tests.unit.optimizer.builders import SOLVER, capped, dense_market, group, products

cp: Any = cvxpy
MARKET = dense_market([0.0], [[0.0]])
FEW = settings(max_examples=6, deadline=None)


def _returns(seed: int, count: int = 400, assets: int = 8) -> np.ndarray:
    draw = np.random.default_rng(seed)
    common = 0.02 * draw.standard_t(5, size=(count, 4)) @ draw.normal(size=(4, assets))
    return np.asarray(common + 0.02 * draw.standard_t(5, size=(count, assets)) + draw.uniform(0.0, 0.01, assets))


def _answer(
    returns: np.ndarray, objective: Wanted, limits: Limits, current: dict[str, float] | None = None
) -> Portfolio | Infeasible:
    estimates = Estimates(scenarios=Scenarios(returns, 1.0))
    problem = Problem("USD", products(returns.shape[1]), limits, current, estimates)
    return optimize(OptimizeJob(problem, MARKET, objective), SOLVER)


def _best(returns: np.ndarray, objective: Wanted, limits: Limits, current: dict[str, float] | None = None) -> Portfolio:
    answer = _answer(returns, objective, limits, current)
    assert isinstance(answer, Portfolio)
    return answer


def _least(returns: np.ndarray, limits: Limits, confidence: float = 0.95) -> float:
    return mean_loss(returns @ _best(returns, MinimumCvar(confidence), limits).weights, confidence)


def _loss_rows(returns: np.ndarray, w: Any, confidence: float) -> tuple[Any, list[Any]]:
    level, excess = cp.Variable(), cp.Variable(len(returns))
    loss = level + cp.sum(excess) / (len(returns) * (1.0 - confidence))
    return loss, [excess >= 0, excess >= -returns @ w - level, cp.sum(w) == 1, w >= 0]


@pytest.mark.parametrize("room", [0.02])
def test_a_tight_limit_at_full_size_is_exact_and_agrees_with_the_whole_program(room: float) -> None:
    returns = _returns(11, 2_500, 100)
    limits = Limits(capped(products(100), 0.1))
    least = _least(returns, limits)
    bound = CvarLimit(least + room * abs(least), 0.95)
    w = cp.Variable(100)
    loss, rows = _loss_rows(returns, w, 0.95)
    root = np.linalg.cholesky(np.cov(returns.T)).T
    utility = returns.mean(axis=0) @ w - 2.0 * cp.sum_squares(root @ w)
    cp.Problem(cp.Maximize(utility), [*rows, w <= 0.1, loss <= bound.max_loss]).solve(solver="CLARABEL")

    found = _best(returns, MeanVarianceUtility(4.0), replace(limits, max_cvar=bound))

    # Exact in the loss; the utility is as near as Clarabel's own accuracy.
    assert mean_loss(returns @ found.weights, 0.95) == pytest.approx(bound.max_loss, abs=1e-10)
    value = found.analysis.expected_return_net - 2.0 * found.analysis.volatility**2
    assert value == pytest.approx(float(utility.value), abs=1e-7)
    assert found.certificate.residuals.largest <= 1e-9


@FEW
@given(st.integers(0, 10_000), st.floats(0.01, 0.9), st.floats(0.05, 1.0))
def test_mean_and_loss_within_a_limit_on_the_loss_agree_with_a_second_method(
    seed: int, room: float, price: float
) -> None:
    returns = _returns(seed)
    limits = Limits({"p2": Bound(0.05, 0.4)}, (group("g", ["p0", "p1"], 0.2, 0.5),), max_turnover=0.7)
    current = {"p0": 0.5, "p3": 0.2}
    least = mean_loss(returns @ _best(returns, MinimumCvar(0.95), limits, current).weights, 0.95)
    bound = CvarLimit(least + room * abs(least), 0.95)
    w = cp.Variable(8)
    loss, rows = _loss_rows(returns, w, 0.95)
    rows += [w[2] >= 0.05, w[2] <= 0.4, cp.sum(w[:2]) >= 0.2, cp.sum(w[:2]) <= 0.5, loss <= bound.max_loss]
    rows.append(cp.sum(cp.pos(w - np.array([0.5, 0, 0, 0.2, 0, 0, 0, 0]))) <= 0.7)
    utility = returns.mean(axis=0) @ w - price * loss
    cp.Problem(cp.Maximize(utility), rows).solve(solver="CLARABEL")

    found = _best(returns, MeanCvarUtility(0.95, price), replace(limits, max_cvar=bound), current)

    lost = mean_loss(returns @ found.weights, 0.95)
    assert lost <= bound.max_loss + 1e-9
    assert found.analysis.expected_return_net - price * lost == pytest.approx(float(utility.value), abs=1e-7)


def test_the_price_of_a_limit_on_the_loss_is_what_more_of_it_is_worth() -> None:
    returns = _returns(3)
    least = _least(returns, Limits())

    def solved(limit: float) -> Portfolio:
        return _best(returns, MeanCvarUtility(0.95, 0.1), Limits(max_cvar=CvarLimit(limit, 0.95)))

    def utility(limit: float) -> float:
        weights = solved(limit).weights
        return float((returns @ weights).mean()) - 0.1 * mean_loss(returns @ weights, 0.95)

    bound, step = least * 1.3, 1e-6
    (limit,) = solved(bound).binding_limits

    assert limit.field == "limits.max_cvar"
    assert limit.shadow_price == pytest.approx((utility(bound + step) - utility(bound - step)) / (2 * step), rel=1e-3)


@FEW
@given(st.integers(0, 10_000), st.floats(0.001, 0.3), st.booleans())
def test_a_limit_below_the_least_loss_is_a_contradiction_and_its_relaxation_helps(
    seed: int, below: float, is_linear: bool
) -> None:
    returns, limits = _returns(seed), Limits(capped(products(8), 0.3))
    objective: Wanted = MeanCvarUtility(0.95, 0.5) if is_linear else MeanVarianceUtility(3.0)
    least = _least(returns, limits)
    bound = CvarLimit(least - below * abs(least), 0.95)

    answer = _answer(returns, objective, replace(limits, max_cvar=bound))

    assert isinstance(answer, Infeasible)
    relaxed = next(c.relaxed_bound for c in answer.conflicts if c.field == "limits.max_cvar")
    assert relaxed is not None
    assert relaxed == pytest.approx(least, abs=2e-6)
    eased = replace(limits, max_cvar=CvarLimit(relaxed, 0.95))
    assert _best(returns, objective, eased).weights.sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    "more", [Limits(max_volatility=0.025), Limits(tracking_error=TrackingErrorLimit((0.125,) * 8, 0.02))]
)
def test_a_limit_on_the_loss_holds_together_with_a_curved_one(more: Limits) -> None:
    returns = _returns(5)
    w = cp.Variable(8)
    loss, rows = _loss_rows(returns, w, 0.95)
    root = np.linalg.cholesky(np.cov(returns.T)).T
    rows.append(cp.norm(root @ w) <= 0.025 if more.max_volatility else cp.norm(root @ (w - 0.125)) <= 0.02)
    lowest = cp.Problem(cp.Minimize(loss), rows).solve(solver="CLARABEL")
    bound = CvarLimit(float(lowest) + 0.1 * abs(float(lowest)), 0.95)
    utility = returns.mean(axis=0) @ w - 0.5 * cp.sum_squares(root @ w)
    cp.Problem(cp.Maximize(utility), [*rows, loss <= bound.max_loss]).solve(solver="CLARABEL")

    found = _best(returns, MeanVarianceUtility(1.0), replace(more, max_cvar=bound))

    assert mean_loss(returns @ found.weights, 0.95) <= bound.max_loss + 1e-7
    value = found.analysis.expected_return_net - 0.5 * found.analysis.volatility**2
    assert value == pytest.approx(float(utility.value), abs=1e-6)
