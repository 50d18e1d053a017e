"""Proof of an optimum: how far weights and multipliers are from the Karush-Kuhn-Tucker conditions.

Computed from the standard form alone, never from what a solver says about itself. For a convex problem the
conditions are sufficient: residuals of zero mean the optimum (Boyd and Vandenberghe 2004, section 5.5.3).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from services.optimizer.moments import Vector
from services.optimizer.standard_form import Solution, StandardForm

# On a problem of order one this is a weight, or a return per unit of objective, wrong in the sixth digit.
TOLERANCE = 1e-6
# Keeps the slope of a volatility of zero finite.
_TINY = 1e-12


@dataclass(frozen=True)
class Residuals:
    """Largest violations on the scaled problem.

    primal:          of a limit, in units of weight, for the volatility in units of the scale.
    dual:            of stationarity in any weight or purchase, or of a multiplier's sign.
    complementarity: product of the slack of a limit and its multiplier.
    """

    primal: float
    dual: float
    complementarity: float

    @property
    def largest(self) -> float:
        """The largest of the three; NaN counts as infinite."""
        all_three = (self.primal, self.dual, self.complementarity)
        return max(all_three) if all(map(math.isfinite, all_three)) else math.inf


@dataclass(frozen=True)
class Certificate:
    """Who solved it and how well, see Residuals."""

    solver: str
    solver_version: str
    status: str
    residuals: Residuals
    tolerance: float = TOLERANCE


def residuals_of(form: StandardForm, solution: Solution) -> Residuals:
    """Return the violations of the optimality conditions by this solution."""
    slacks, multipliers = _inequalities(form, solution)
    slope = gradient(form, solution) - solution.lower + solution.upper
    return Residuals(
        primal=_largest(-slacks.min(), abs(solution.weights.sum() - 1.0)),
        dual=_largest(-multipliers.min(), abs(slope).max()),
        complementarity=_largest(abs(slacks * multipliers).max()),
    )


def gradient(form: StandardForm, solution: Solution) -> Vector:
    """Return the slope of the Lagrangian in each weight, all limits but the product's own bounds counted, (n,)."""
    return holding_slope(form, solution) + solution.purchases


def holding_slope(form: StandardForm, solution: Solution) -> Vector:
    """Return the slope as `gradient` does, (n,), as if what is bought cost nothing."""
    risk = form.covariance_times(solution.weights)
    slope = form.goal.quadratic * risk - form.goal.linear + solution.budget + solution.rows @ form.row_matrix
    if solution.volatility > 0.0:
        slope = slope + solution.volatility * risk / max(volatility_of(form, solution.weights), _TINY)
    return np.asarray(slope)


def _inequalities(form: StandardForm, solution: Solution) -> tuple[Vector, Vector]:
    """Return the slack and the multiplier of every inequality, in the same order."""
    w = solution.weights
    slacks = [w - form.lower, form.upper - w, form.row_limits - form.row_matrix @ w]
    multipliers = [solution.lower, solution.upper, solution.rows]
    if form.max_turnover is not None:
        room = w - form.current
        purchases = np.maximum(room, 0.0)
        slacks += [purchases - room, purchases, np.array([form.max_turnover - purchases.sum()])]
        multipliers += [solution.purchases, sale_multipliers(form, solution), np.array([solution.turnover])]
    if form.max_volatility is not None:
        slacks.append(np.array([form.max_volatility - volatility_of(form, w)]))
        multipliers.append(np.array([solution.volatility]))
    return np.concatenate(slacks), np.concatenate(multipliers)


def sale_multipliers(form: StandardForm, solution: Solution) -> Vector:
    """Return the multipliers of "purchases are not negative", which stationarity in the purchases fixes."""
    return np.asarray(form.goal.purchase_cost + solution.turnover - solution.purchases)


def volatility_of(form: StandardForm, weights: Vector) -> float:
    """Return sqrt(w' S w), in units of the form's scale."""
    return math.sqrt(max(float(weights @ form.covariance_times(weights)), 0.0))


def _largest(*violations: float) -> float:
    """Return the largest violation, at least zero; NaN stays NaN."""
    return math.nan if any(map(math.isnan, violations)) else max(0.0, *map(float, violations))
