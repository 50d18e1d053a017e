"""What a portfolio would be under other circumstances: without one of its limits, or with other expected returns."""

from __future__ import annotations

import math
import time
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
from services.optimizer.positions.conflicts import MAX_POSITIONS, MIN_POSITION
from services.optimizer.positions.given import given_positions
from services.optimizer.problem import Limits, Problem
from services.optimizer.solve import Solver
from services.optimizer.tails import mean_loss

# Expected returns are taken for means over this many years: about as long as a clean daily history of funds is.
EVIDENCE_YEARS = 20.0
# What remains after the last step: making the answer a message and sending it.
_RESERVE_SECONDS = 0.05
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
    problem: Problem,
    expectations: Expectations,
    objective: Wanted,
    best: Best,
    solver: Solver,
    time_left: TimeLeft | None = None,
) -> tuple[LimitCost, ...]:
    """Return what the objective gains when each binding limit is dropped alone, the dearest first.

    Limits that do not bind cost nothing and are left out. Where positions were chosen, other limits are dropped given
    that choice.
    Limits for which no time is left are left out, the least dear by their shadow price first.
    """
    value = objective_value(expectations, objective, best.weights)
    costs = []
    time_left = time_left or TimeLeft(None)
    for field in dict.fromkeys(limit.field for limit in best.binding if limit.field.startswith("limits.")):
        if not time_left.for_another():
            break
        freer = replace(problem, limits=without(problem.limits, field))
        if best.choice is not None:
            freer = given_positions(freer, best.choice.places)
        other = best_portfolio(freer, expectations, objective, solver)
        if isinstance(other, Best):
            costs.append(LimitCost(field, max(objective_value(expectations, objective, other.weights) - value, 0.0)))
    return tuple(sorted(costs, key=lambda cost: (-cost.cost, cost.field)))


def cost_of_all_limits(
    problem: Problem, expectations: Expectations, objective: Wanted, best: Best, solver: Solver, time_left: TimeLeft
) -> float | None:
    """Return what the objective gains when all limits are dropped, at least 0; None where no time is left.

    What remains is to be fully invested and never short, and a bound that the objective itself states.
    """
    if not time_left.for_another():
        return None
    free = best_portfolio(replace(problem, limits=Limits()), expectations, objective, solver)
    if not isinstance(free, Best):
        return None
    value = objective_value(expectations, objective, best.weights)
    return max(objective_value(expectations, objective, free.weights) - value, 0.0)


class TimeLeft:
    """Tells before each of several steps whether the deadline leaves time for what is to come.

    deadline: on time.monotonic's clock; None: there is none.
    ran_out:  whether a step had to be left out.
    """

    def __init__(self, deadline: float | None) -> None:
        self._deadline = deadline
        self._durations: list[float] = []
        self._began: float | None = None
        self.ran_out = False

    def for_another(self, to_come: int = 1) -> bool:
        """Return whether so many steps can be done, at the mean of those so far and one as long as the longest."""
        now = time.monotonic()
        if self._began is not None:
            self._durations.append(now - self._began)
        self._began = now
        longest, mean = max(self._durations, default=0.0), sum(self._durations) / max(len(self._durations), 1)
        needed = longest + (to_come - 1) * mean + _RESERVE_SECONDS
        self.ran_out = self._deadline is not None and now + needed >= self._deadline
        return not self.ran_out


def without(limits: Limits, field: str) -> Limits:
    """Return the limits but for the one of this name."""
    name = field.removeprefix("limits.").split(".")[0].split("[")[0]
    if name in _WHOLE:
        return replace(limits, **{name: None})  # type: ignore[arg-type]
    if field == MIN_POSITION and limits.positions is not None:
        return replace(limits, positions=replace(limits.positions, min_position=0.0))
    if field == MAX_POSITIONS:
        return replace(limits, positions=None)
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
    problem: Problem,
    expectations: Expectations,
    objective: Wanted,
    resamples: int,
    solver: Solver,
    time_left: TimeLeft | None = None,
) -> tuple[WeightRange, ...]:
    """Return how far each weight moves when expected returns are drawn again around their means, with a fixed seed.

    The error of a mean over EVIDENCE_YEARS has the covariance of the returns divided by those years. Draws for which
    no portfolio obeys the limits are left out. Where no time is left for all draws there are no ranges: those of fewer
    would depend on the clock. Source: Michaud (1998), Efficient Asset Management, chapter 5.
    """
    if not resamples:
        return ()
    moments, random = expectations.moments, np.random.default_rng(_SEED)
    count, factors = moments.root.shape
    drawn = []
    time_left = time_left or TimeLeft(None)
    for to_come in range(resamples, 0, -1):
        if not time_left.for_another(to_come):
            return ()
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
