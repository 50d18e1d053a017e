"""A portfolio problem with few positions, in the shape in which supports are searched.

minimise    q/2 w' B B' w + sum(c_i/2 w_i^2) - m' w
subject to  sum(w) = 1, G w <= g, and at most t of the portfolio is bought
            w_i = 0 or low_i <= w_i <= high_i, and at most K of the products are held
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.optimizer.constraints import limits_of, matrix_of
from services.optimizer.moments import Matrix, Vector
from services.optimizer.positions.diagonal import separated
from services.optimizer.problem import PositionLimit
from services.optimizer.standard_form import StandardForm

Mask = np.ndarray


@dataclass(frozen=True, eq=False)
class Program:
    """The numbers of one search over n products, k factors and m rows, in units of the standard form.

    root: (n, k), B.  own: (n,), c, with q in it.  linear: (n,), m.  low, high: (n,) where held.
    must, may: (n,), what has to be held and what can be.  count: K.
    matrix, limits: (m, n) and (m,).  current: (n,).  max_turnover: None where purchases are free.
    """

    quadratic: float
    root: Matrix
    own: Vector
    linear: Vector
    low: Vector
    high: Vector
    must: Mask
    may: Mask
    count: int
    matrix: Matrix
    limits: Vector
    current: Vector
    max_turnover: float | None

    def value(self, weights: Vector) -> float:
        """Return the objective at these weights."""
        common = self.root.T @ weights
        risk = self.quadratic * float(common @ common) + float(self.own @ weights**2)
        return 0.5 * risk - float(self.linear @ weights)


def program_of(form: StandardForm, limit: PositionLimit) -> Program:
    """Return the program. A product that has to be held by its own bound takes one of the positions."""
    low = np.maximum(form.lower, limit.min_position)
    # Weights that sum to one and are never negative are at most one.
    high = np.minimum(form.upper, 1.0)
    root, specific = separated(form.root, form.specific)
    return Program(
        quadratic=form.goal.quadratic,
        root=root,
        own=form.goal.quadratic * specific**2,
        linear=form.goal.linear,
        low=low,
        high=high,
        must=form.lower > 0.0,
        may=(high > 0.0) & (low <= high),
        count=min(limit.max_positions, len(low)),
        matrix=matrix_of(form.rows, len(low)),
        limits=limits_of(form.rows),
        current=form.current,
        max_turnover=form.max_turnover,
    )
