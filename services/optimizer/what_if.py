"""What a portfolio would be under other circumstances: without one of its limits, or with other expected returns."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from services.optimizer.answers import LimitCost, WeightRange
from services.optimizer.expectations import Expectations
from services.optimizer.moments import Vector
from services.optimizer.objective import (
    MaximumDiversification,
    MaximumSharpe,
    MeanCvarUtility,
    MeanVarianceUtility,
    MinimumCvar,
    MinimumTrackingError,
    TargetVolatility,
    Wanted,
)
from services.optimizer.portfolio import Best, best_portfolio
from services.optimizer.problem import Limits, Problem
from services.optimizer.solve import Solver
from services.optimizer.tails import mean_loss

# Expected returns are taken for means over this many years: about as long as a clean daily history of funds is.
EVIDENCE_YEARS = 20.0
_SEED = 20_261_122
_LOW, _HIGH = 5.0, 95.0
_WHOLE = (
    "max_turnover",
    "max_volatility",
    "max_cvar",
    "tracking_error",
    "min_cash",
    "max_risk_level_score",
    "max_liquidity_days",
)


def limit_costs(
    problem: Problem, expectations: Expectations, objective: Wanted, best: Best, solver: Solver
) -> tuple[LimitCost, ...]:
    """Return what the objective gains when each binding limit is dropped alone, the dearest first.

    Limits that do not bind cost nothing and are left out.
    """
    value = objective_value(expectations, objective, best.weights)
    costs = []
    for field in {limit.field for limit in best.binding if limit.field.startswith("limits.")}:
        freer = replace(problem, limits=without(problem.limits, field))
        other = best_portfolio(freer, expectations, objective, solver)
        if isinstance(other, Best):
            costs.append(LimitCost(field, max(objective_value(expectations, objective, other.weights) - value, 0.0)))
    return tuple(sorted(costs, key=lambda cost: (-cost.cost, cost.field)))


def without(limits: Limits, field: str) -> Limits:
    """Return the limits but for the one of this name."""
    name = field.removeprefix("limits.").split(".")[0].split("[")[0]
    if name in _WHOLE:
        return replace(limits, **{name: None})  # type: ignore[arg-type]
    key, rest = field.split("[", 1)[1].rsplit("]", 1)
    if name == "excluded_product_ids":
        return replace(limits, excluded=limits.excluded - {key})
    side = {".min_weight": "minimum", ".max_weight": "maximum"}[rest]
    if name == "products":
        bound = replace(limits.products[key], **{side: None})
        return replace(limits, products={**limits.products, key: bound})
    groups = (
        replace(group, bound=replace(group.bound, **{side: None})) if group.name == key else group
        for group in limits.groups
    )
    return replace(limits, groups=tuple(groups))


def objective_value(expectations: Expectations, objective: Wanted, weights: Vector) -> float:
    """Return what the objective makes best, in its own units; more is better, so variance and loss are negative."""
    moments = expectations.moments
    variance = moments.variance(weights)
    expected, volatility = float(moments.expected_net @ weights), math.sqrt(max(variance, 0.0)) or math.inf
    match objective:
        case MeanVarianceUtility(risk_aversion):
            return expected - 0.5 * risk_aversion * variance
        case TargetVolatility():
            return expected
        case MaximumSharpe(risk_free_rate):
            return (expected - risk_free_rate) / volatility
        case MaximumDiversification():
            return float(np.sqrt(moments.variances()) @ weights) / volatility
        case MinimumTrackingError(benchmark):
            return -moments.variance(weights - np.array(benchmark))
        case MinimumCvar(confidence):
            return -_loss(expectations, weights, confidence)
        case MeanCvarUtility(confidence, risk_aversion):
            return expected - risk_aversion * _loss(expectations, weights, confidence)
        case _:
            return -variance


def weight_ranges(
    problem: Problem, expectations: Expectations, objective: Wanted, resamples: int, solver: Solver
) -> tuple[WeightRange, ...]:
    """Return how far each weight moves when expected returns are drawn again around their means, with a fixed seed.

    The error of a mean over EVIDENCE_YEARS has the covariance of the returns divided by those years. Draws for which
    no portfolio obeys the limits are left out. Source: Michaud (1998), Efficient Asset Management, chapter 5.
    """
    moments, random = expectations.moments, np.random.default_rng(_SEED)
    count, factors = moments.root.shape
    drawn = []
    for _ in range(resamples):
        error = moments.root @ random.standard_normal(factors) + moments.specific * random.standard_normal(count)
        expected = moments.expected + error / math.sqrt(EVIDENCE_YEARS)
        other = replace(expectations, moments=replace(moments, expected=expected))
        best = best_portfolio(problem, other, objective, solver)
        if isinstance(best, Best):
            drawn.append(best.weights)
    if not drawn:
        return ()
    low, high = np.percentile(np.array(drawn), [_LOW, _HIGH], axis=0)
    return tuple(
        WeightRange(product.id, float(least), float(most))
        for product, least, most in zip(problem.products, low, high, strict=True)
    )


def _loss(expectations: Expectations, weights: Vector, confidence: float) -> float:
    return math.nan if expectations.outcomes is None else mean_loss(expectations.outcomes @ weights, confidence)
