"""Portfolios without a solver: equal weights, inverse volatility, risk budgets; each with a proof of its own."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from services.optimizer.answers import ConflictingLimit, Infeasible
from services.optimizer.certificate import TOLERANCE, Certificate, Residuals
from services.optimizer.constraints import MAX_TURNOVER, Row, current_weights, product_rows, shared_rows, turnover
from services.optimizer.measures import Measure, measures_of
from services.optimizer.moments import Matrix, Moments, Vector
from services.optimizer.problem import Problem
from services.optimizer.rounding import outward
from services.optimizer.tails import mean_loss
from shared.errors import SolutionRefused, UnsupportedCombination

_VERSION = "1"
_MOST_STEPS = 200
# Newton's method for a self-concordant function converges quadratically below this decrement (Spinu 2013, eq. 8).
_NEAR = 0.95 * (3.0 - np.sqrt(5.0)) / 2.0
_SETTLED = 1e-13


def equal_weights(count: int) -> tuple[Vector, Certificate]:
    """Return the same weight for each product."""
    return np.full(count, 1.0 / count), _proof("closed form", 0.0)


def inverse_volatility(moments: Moments) -> tuple[Vector, Certificate]:
    """Return weights in proportion to one over volatility. Raises UnsupportedCombination where one has none."""
    deviations = np.sqrt(_variances(moments, "InverseVolatility"))
    weights = 1.0 / deviations
    weights /= weights.sum()
    parts = weights * deviations
    return weights, _proof("closed form", float(np.ptp(parts) / parts.mean()))


def risk_budgets(moments: Moments, shares: Vector) -> tuple[Vector, Certificate]:
    """Return the long-only weights whose contributions to the volatility are in proportion to the shares, (n,).

    Minimises x' Sigma x / 2 - sum(b log x) by damped Newton steps and scales x to one. Its optimality condition
    x_i (Sigma x)_i = b_i is the budget, and the certificate's dual residual is the largest miss of it.

    Raises UnsupportedCombination where a product has no variance: it contributes nothing at any weight.
    Source: Spinu (2013), An algorithm for computing risk parity weights; Maillard, Roncalli and Teiletche (2010).
    """
    deviations = np.sqrt(_variances(moments, "RiskBudgeting"))
    budgets = shares / shares.sum()
    root = moments.root / deviations[:, None]
    correlation = root @ root.T + np.diag((moments.specific / deviations) ** 2)
    x = np.sqrt(budgets) / np.sqrt(max(float(np.sqrt(budgets) @ correlation @ np.sqrt(budgets)), _SETTLED))
    for _ in range(_MOST_STEPS):
        slope = correlation @ x - budgets / x
        step = np.linalg.solve(correlation + np.diag(budgets / x**2), slope)
        # Half the step to the boundary at most, and damped while far from the optimum.
        largest = float(np.max(np.abs(step / x)))
        decrement = np.sqrt(max(float(step @ slope), 0.0) / budgets.min())
        x = x - step * (1.0 if decrement < _NEAR else 1.0 / (1.0 + largest))
        if largest < _SETTLED:
            break
    contributions = x * (correlation @ x)
    miss = float(np.abs(contributions / contributions.sum() - budgets).max() / budgets.min())
    if not miss <= TOLERANCE or x.min() <= 0.0:
        raise SolutionRefused(f"risk contributions miss their budgets by {miss:.1e}")
    weights = x / deviations
    return weights / weights.sum(), _proof("newton", miss)


def broken_limits(problem: Problem, weights: Vector, moments: Moments, outcomes: Matrix | None) -> Infeasible | None:
    """Return the limits that these weights break: with weights that are given, each is a contradiction by itself.

    relaxed_bound is None where another limit is broken too, so that this one alone cannot resolve it.
    """
    found = (*_broken_rows(problem, weights), *_broken_measures(problem, weights, moments, outcomes))
    if len(found) < 2:
        return Infeasible(found, found) if found else None
    return Infeasible(tuple(ConflictingLimit(limit.field, limit.bound, None) for limit in found), found)


def _broken_rows(problem: Problem, weights: Vector) -> Iterable[ConflictingLimit]:
    rows: list[Row] = [*product_rows(problem), *shared_rows(problem)]
    for row in rows:
        value = float(row.coefficients @ weights)
        if value > row.limit + TOLERANCE:
            yield ConflictingLimit(row.field, row.bound, outward(row.stated(value), row.is_lower))
    limit = problem.limits.max_turnover
    bought = turnover(weights, current_weights(problem))
    if limit is not None and bought > limit + TOLERANCE:
        yield ConflictingLimit(MAX_TURNOVER, limit, outward(bought, is_lower=False))


def _broken_measures(
    problem: Problem, weights: Vector, moments: Moments, outcomes: Matrix | None
) -> Iterable[ConflictingLimit]:
    for measure in measures_of(problem.limits):
        value = _measured(measure, weights, moments, outcomes)
        if value > measure.limit + TOLERANCE:
            yield ConflictingLimit(measure.field, measure.limit, outward(value, is_lower=False))


def _measured(measure: Measure, weights: Vector, moments: Moments, outcomes: Matrix | None) -> float:
    if measure.cvar is not None and outcomes is not None:
        return mean_loss(outcomes @ weights, measure.cvar.confidence)
    difference = weights - (np.array(measure.tracking.benchmark) if measure.tracking else 0.0)
    return float(np.sqrt(max(moments.variance(difference), 0.0)))


def _variances(moments: Moments, objective: str) -> Vector:
    variances = moments.variances()
    if np.any(variances <= 0.0):
        position = int(np.argmin(variances))
        raise UnsupportedCombination(
            f"{objective} does not go with problem.products[{position}], which has no variance; leave it out"
        )
    return variances


def _proof(status: str, miss: float) -> Certificate:
    return Certificate("FIDUCIA", _VERSION, status, Residuals(primal=0.0, dual=miss, complementarity=0.0))
