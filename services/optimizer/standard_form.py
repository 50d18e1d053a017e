"""The one shape in which every problem is solved and checked, and the solution that goes with it.

minimise    q/2 w' S w - m' w + k sum(p)          S = B B' + diag(d^2), variances of order one
subject to  sum(w) = 1                            multiplier `budget`
            lower <= w <= upper                   `lower`, `upper`
            G w <= g                              `rows`
            w - c <= p, 0 <= p, sum(p) <= t       `purchases` for the first, `turnover` for the last
            sqrt(w' S w) <= v                     `volatility`
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from services.optimizer.constraints import Row, current_weights, limits_of, matrix_of, shared_rows, weight_bounds
from services.optimizer.moments import Matrix, Moments, Vector
from services.optimizer.objective import Goal, Objective, goal_of, variance_scale
from services.optimizer.problem import Problem

# Bounds closer than this are one number.
_SAME = 1e-9


@dataclass(frozen=True, eq=False)
class StandardForm:
    """A scaled problem over n products and k factors.

    scale:    the volatility that stands for one.  root: (n, k), B.  specific: (n,), d.
    rows:     limits other than those on single products.
    current:  (n,), c; with max_turnover, t, which is None where purchases are free.
    max_volatility: v, in units of `scale`; None where it is free.
    """

    scale: float
    goal: Goal
    root: np.ndarray
    specific: Vector
    lower: Vector
    upper: Vector
    rows: tuple[Row, ...]
    current: Vector
    max_turnover: float | None
    max_volatility: float | None

    @property
    def has_purchases(self) -> bool:
        """Whether purchases are variables of the problem."""
        return self.max_turnover is not None

    @cached_property
    def is_free(self) -> np.ndarray:
        """Which products have room between their bounds, (n,); the others are constants."""
        return np.asarray(self.upper - self.lower > _SAME)

    @cached_property
    def row_matrix(self) -> Matrix:
        """The coefficients of the rows, G, (rows, n)."""
        return matrix_of(self.rows, len(self.lower))

    @cached_property
    def row_limits(self) -> Vector:
        """The right-hand sides of the rows, g, (rows,)."""
        return limits_of(self.rows)

    @cached_property
    def has_moving(self) -> np.ndarray:
        """Which rows are over any product with room, (rows,).

        A row over constants alone is kept or not, whatever the weights: its multiplier means nothing.
        """
        return np.asarray((self.row_matrix * self.is_free).any(axis=1))

    @cached_property
    def specific_variances(self) -> Vector:
        """The squares of `specific`, (n,)."""
        return np.asarray(self.specific**2)

    def covariance_times(self, weights: Vector) -> Vector:
        """Return S w, (n,)."""
        return np.asarray(self.root @ (self.root.T @ weights) + self.specific_variances * weights)


@dataclass(frozen=True, eq=False)
class Solution:
    """Weights, (n,), with a multiplier for every limit: at least zero but for `budget`."""

    weights: Vector
    budget: float
    lower: Vector
    upper: Vector
    rows: Vector
    purchases: Vector
    turnover: float
    volatility: float


def standard_form(
    problem: Problem, moments: Moments, objective: Objective, extra_rows: Sequence[Row] = ()
) -> StandardForm:
    """Return the problem in standard form. A turnover limit of one or more is no limit and is left out."""
    scale = variance_scale(moments)
    lower, upper = weight_bounds(problem)
    limits = problem.limits
    bounds_turnover = limits.max_turnover is not None and limits.max_turnover < 1.0
    return StandardForm(
        scale=scale,
        goal=goal_of(objective, moments, scale),
        root=moments.root / scale,
        specific=moments.specific / scale,
        lower=lower,
        upper=upper,
        rows=(*shared_rows(problem), *extra_rows),
        current=current_weights(problem),
        max_turnover=limits.max_turnover if bounds_turnover else None,
        max_volatility=None if limits.max_volatility is None else limits.max_volatility / scale,
    )
