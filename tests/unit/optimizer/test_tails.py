"""Losses in the worst scenarios: the measure, the linear program and the limit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cvxpy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.optimizer.answers import Portfolio
from services.optimizer.estimates import DenseCovariance, Estimates, Scenarios
from services.optimizer.objective import (
    MaximumSharpe,
    MeanCvarUtility,
    MeanVarianceUtility,
    MinimumCvar,
    MinimumVariance,
)
from services.optimizer.problem import Bound, CvarLimit, Limits, Problem
from services.optimizer.tails import mean_loss, worst_mix
from shared.errors import UnsupportedCombination
from tests.unit.optimizer.builders import best, contradiction, dense_market, group, products

cp: Any = cvxpy
MARKET = dense_market([0.0], [[0.0]])
FEW = settings(max_examples=12, deadline=None)


def _problem(returns: np.ndarray, limits: Limits | None = None, current: dict[str, float] | None = None) -> Problem:
    scenarios = Scenarios(returns, 1.0)
    estimates = Estimates(
        expected_returns=returns.mean(axis=0),
        covariance=DenseCovariance(np.cov(returns.T)),
        scenarios=scenarios,
    )
    return Problem("USD", products(returns.shape[1]), limits or Limits(), current, estimates)


def _returns(seed: int, count: int = 300, assets: int = 6) -> np.ndarray:
    random = np.random.default_rng(seed)
    common = random.standard_t(4, size=(count, 2)) @ random.normal(size=(2, assets)) * 0.05
    return np.asarray(common + random.standard_t(4, size=(count, assets)) * 0.05 + random.uniform(0.0, 0.08, assets))


def _by_cvxpy(returns: np.ndarray, confidence: float, limits: list[Any], w: Any, price: float, expected: Any) -> float:
    level, excess = cp.Variable(), cp.Variable(len(returns))
    loss = level + cp.sum(excess) / (len(returns) * (1.0 - confidence))
    rows = [cp.sum(w) == 1, w >= 0, excess >= 0, excess >= -returns @ w - level, *limits]
    problem = cp.Problem(cp.Minimize(price * loss - expected @ w), rows)
    problem.solve(solver="CLARABEL")
    return float(problem.value)


def test_the_mean_loss_averages_the_worst_scenarios_and_a_part_of_the_next() -> None:
    returns = np.array([-0.3, -0.1, 0.0, 0.2])

    # The worst 37.5 % of four are the worst one and half of the second.
    assert mean_loss(returns, 0.625) == pytest.approx((0.3 + 0.5 * 0.1) / 1.5)
    assert worst_mix(returns, 0.625) == pytest.approx([1 / 1.5, 0.5 / 1.5, 0.0, 0.0])


def test_the_least_loss_of_two_products_that_fail_in_turn_is_the_even_mixture() -> None:
    returns = np.array([[-0.2, 0.1], [0.1, -0.2], [0.05, 0.05], [0.05, 0.05]])

    found = best(_problem(returns), MARKET, MinimumCvar(0.75))

    assert found.weights == pytest.approx([0.5, 0.5])
    assert found.certificate.solver == "HIGHS"


@FEW
@given(st.integers(0, 10_000), st.sampled_from([0.9, 0.95, 0.99]))
def test_the_least_loss_is_that_of_rockafellar_and_uryasev(seed: int, confidence: float) -> None:
    returns = _returns(seed)
    held = {"p0": 0.5, "p1": 0.3}
    limits = Limits({"p2": Bound(0.05, 0.4)}, (group("g", ["p0", "p1"], 0.2, 0.5),), max_turnover=0.6)
    w = cp.Variable(6)
    rows = [w[2] >= 0.05, w[2] <= 0.4, w[0] + w[1] >= 0.2, w[0] + w[1] <= 0.5]
    rows.append(cp.sum(cp.pos(w - np.array([0.5, 0.3, 0, 0, 0, 0]))) <= 0.6)
    expected = _by_cvxpy(returns, confidence, rows, w, 1.0, np.zeros(6))

    found = best(_problem(returns, limits, held), MARKET, MinimumCvar(confidence))

    assert mean_loss(returns @ found.weights, confidence) == pytest.approx(expected, abs=1e-8)
    assert found.certificate.residuals.largest <= 1e-9


@FEW
@given(st.integers(0, 10_000), st.floats(0.1, 10.0))
def test_the_utility_of_mean_and_loss_agrees_with_a_second_method(seed: int, price: float) -> None:
    returns = _returns(seed)
    w = cp.Variable(6)
    expected = _by_cvxpy(returns, 0.95, [], w, price, returns.mean(axis=0))

    found = best(_problem(returns), MARKET, MeanCvarUtility(0.95, price))

    value = price * mean_loss(returns @ found.weights, 0.95) - found.analysis.expected_return_net
    assert value == pytest.approx(expected, abs=1e-7)


def test_fees_are_paid_in_every_scenario() -> None:
    returns = np.array([[-0.1, -0.1], [0.1, 0.1], [0.1, 0.1], [0.1, 0.1]])
    problem = _problem(returns)
    dear = replace(problem, products=products(2, fees=[0.01, 0.0]))

    assert best(dear, MARKET, MinimumCvar(0.75)).weights == pytest.approx([0.0, 1.0])


@FEW
@given(st.integers(0, 10_000))
def test_a_limit_on_the_loss_agrees_with_a_second_method(seed: int) -> None:
    returns = _returns(seed)
    least = mean_loss(returns @ best(_problem(returns), MARKET, MinimumCvar(0.95)).weights, 0.95)
    limit = least + 0.2 * abs(least)
    w, level, excess = cp.Variable(6), cp.Variable(), cp.Variable(len(returns))
    root = np.linalg.cholesky(np.cov(returns.T)).T
    utility = returns.mean(axis=0) @ w - 1.0 * cp.sum_squares(root @ w)
    rows = [cp.sum(w) == 1, w >= 0, excess >= 0, excess >= -returns @ w - level]
    rows.append(level + cp.sum(excess) / (len(returns) * 0.05) <= limit)
    cp.Problem(cp.Maximize(utility), rows).solve(solver="CLARABEL")

    found = best(_problem(returns, Limits(max_cvar=CvarLimit(limit, 0.95))), MARKET, MeanVarianceUtility(2.0))

    assert mean_loss(returns @ found.weights, 0.95) <= limit + 1e-7
    value = found.analysis.expected_return_net - found.analysis.volatility**2
    assert value == pytest.approx(utility.value, abs=1e-6)


def test_a_binding_limit_on_the_loss_is_priced_once() -> None:
    returns = _returns(3)
    least = mean_loss(returns @ best(_problem(returns), MARKET, MinimumCvar(0.95)).weights, 0.95)

    def solved(limit: float) -> Portfolio:
        return best(_problem(returns, Limits(max_cvar=CvarLimit(limit, 0.95))), MARKET, MeanVarianceUtility(2.0))

    def utility(limit: float) -> float:
        analysis = solved(limit).analysis
        return analysis.expected_return_net - analysis.volatility**2

    bound, step = least * 1.3, 1e-5
    (limit,) = (each for each in solved(bound).binding_limits if each.field == "limits.max_cvar")

    assert limit.bound == pytest.approx(bound)
    assert limit.shadow_price == pytest.approx((utility(bound + step) - utility(bound - step)) / (2 * step), rel=0.05)


def test_a_loss_that_no_portfolio_keeps_names_the_least_there_is() -> None:
    returns = _returns(5)
    least = mean_loss(returns @ best(_problem(returns), MARKET, MinimumCvar(0.95)).weights, 0.95)
    problem = _problem(returns, Limits(max_cvar=CvarLimit(least * 0.9, 0.95)))

    (conflict,) = contradiction(problem, MARKET, MinimumVariance()).conflicts

    assert conflict.field == "limits.max_cvar"
    assert conflict.relaxed_bound == pytest.approx(least, abs=2e-6)
    eased = replace(problem, limits=Limits(max_cvar=CvarLimit(conflict.relaxed_bound or 0.0, 0.95)))
    assert best(eased, MARKET).weights.sum() == pytest.approx(1.0)


def test_a_loss_and_a_smallest_weight_that_contradict_each_other_are_both_named() -> None:
    returns = np.random.default_rng(1).normal(0.05, [0.3, 0.05, 0.05], size=(400, 3))
    limits = Limits({"p0": Bound(0.8)}, max_cvar=CvarLimit(0.1, 0.95))

    conflicts = contradiction(_problem(returns, limits), MARKET, MaximumSharpe(0.0)).conflicts

    assert {conflict.field for conflict in conflicts} == {"limits.max_cvar", "limits.products[p0].min_weight"}
    for conflict in conflicts:
        assert conflict.relaxed_bound is not None
    floor = next(c.relaxed_bound for c in conflicts if c.field.startswith("limits.products"))
    eased = _problem(returns, replace(limits, products={"p0": Bound(floor)}))
    assert best(eased, MARKET).weights.sum() == pytest.approx(1.0)


def test_without_scenarios_there_is_no_loss_to_speak_of() -> None:
    problem = Problem("USD", products(1), Limits(max_cvar=CvarLimit(0.1, 0.95)))

    with pytest.raises(UnsupportedCombination, match="scenarios"):
        best(problem, MARKET)
    with pytest.raises(UnsupportedCombination, match="scenarios"):
        best(replace(problem, limits=Limits()), MARKET, MinimumCvar(0.95))
