"""Which limits of a standard form hold with equality, told from a solver's solution: multiplier above slack."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from services.optimizer.certificate import volatility_of
from services.optimizer.moments import Matrix, Vector
from services.optimizer.standard_form import Solution, StandardForm

Mask = np.ndarray


@dataclass(frozen=True, eq=False)
class Active:
    """Which limits hold with equality: products at a bound or at their current weight, rows, the two scalar ones.

    bought: (n,), products that end above their current weight.
    """

    lower: Mask
    upper: Mask
    kept: Mask
    bought: Mask
    rows: Mask
    turnover: bool
    volatility: bool

    @cached_property
    def moving(self) -> np.ndarray:
        """The places of the products whose weight is still to be found."""
        return (~(self.lower | self.upper | self.kept)).nonzero()[0]


def active_limits(form: StandardForm, solution: Solution) -> Active:
    """Return the limits whose multiplier is larger than their slack."""
    w = solution.weights
    room = w - form.current
    lower = ~form.is_free | (solution.lower > w - form.lower)
    upper = ~lower & (solution.upper > form.upper - w)
    kept = np.zeros(len(w), dtype=bool)
    turnover = False
    if form.max_turnover is not None:
        pull = np.minimum(solution.purchases, dearest_purchase(form, solution) - solution.purchases)
        kept = ~lower & ~upper & (pull > np.abs(room))
        turnover = bool(solution.turnover > form.max_turnover - np.maximum(room, 0.0).sum())
    return Active(
        lower=lower,
        upper=upper,
        kept=kept,
        bought=(room > 0.0) & ~kept,
        rows=solution.rows > form.row_limits - form.row_matrix @ w,
        turnover=turnover,
        volatility=form.max_volatility is not None
        and solution.volatility > form.max_volatility - volatility_of(form, w),
    )


def dearest_purchase(form: StandardForm, solution: Solution) -> float:
    """Return the multiplier of a purchase that is made: its cost and its share of the turnover limit's price."""
    return solution.turnover + form.goal.purchase_cost if form.has_purchases else 0.0


@dataclass(frozen=True, eq=False)
class Linear:
    """The active linear limits as equations in the moving weights: matrix @ w = right, the budget first.

    matrix: (limits, n).  right: (limits,).
    """

    matrix: Matrix
    right: Vector


def equations(form: StandardForm, active: Active) -> Linear:
    """Return the budget, the active rows and, where active, the turnover limit, in this order."""
    places = active.rows.nonzero()[0]
    found = 1 + len(places)
    matrix = np.ones((found + active.turnover, len(form.lower)))
    right = np.ones(len(matrix))
    matrix[1:found], right[1:found] = form.row_matrix[places], form.row_limits[places]
    if active.turnover and form.max_turnover is not None:
        matrix[-1], right[-1] = active.bought, form.max_turnover + form.current[active.bought].sum()
    return Linear(matrix, right)
