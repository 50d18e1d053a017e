"""How far chosen limits of a request must give way while all others are kept, curved ones included: one cone program.

minimise    sum of price * u, or the goal of the standard form where nothing gives way
subject to  sum(w) = 1, lower <= w <= upper, G w <= g, purchases of at most t, as in the standard form
            the limits that may give way by u, see `cone_limits`; u is zero for a limit that is kept

Scenarios that matter to a loss join until none is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import clarabel
import numpy as np

from services.optimizer.cone_limits import Deviation, Limit, Linear, Loss
from services.optimizer.cone_solver import cone_optimum
from services.optimizer.cone_table import ConeTable, Part
from services.optimizer.constraints import MAX_TURNOVER
from services.optimizer.moments import Vector
from services.optimizer.standard_form import StandardForm
from shared.errors import SolutionRefused

# Scenarios that take part at first and that join, as multiples of those in the tail.
_FIRST, _JOIN = 1.4, 1.4
_ROUNDS = 12
_SMALLEST_PRICE = 1e-6
_ONE = np.ones((1, 1))

# The scenarios that take part, by the place of their loss among the limits.
Joined = dict[int, np.ndarray]


@dataclass(frozen=True, eq=False)
class Given:
    """How far each limit gives way, in their order and own units, the weights (n,), and what keeps it from less.

    lower, upper: multipliers of the bounds, (n,).  rows: of the form's rows.  turnover: of its turnover limit.
    shares: of each scenario in the loss, (S,), as the multipliers have it; None where there is none.
    """

    by: tuple[float, ...]
    weights: Vector
    lower: Vector
    upper: Vector
    rows: Vector
    turnover: float
    shares: Vector | None = None


def given_way(
    form: StandardForm, limits: Sequence[Limit], near: Sequence[Vector] = (), has_goal: bool = False
) -> Given | None:
    """Return the least way to give, or None where the limits that are kept contradict each other.

    near: weights, (n,) each, whose bad scenarios take part from the start.  has_goal: whether the form's goal counts.
    Raises SolutionRefused.
    """
    losses = {place: limit for place, limit in enumerate(limits) if isinstance(limit, Loss)}
    start = list(near) or [np.full(len(form.lower), 1.0 / len(form.lower))]
    joined = {at: np.unique(np.concatenate([loss.worst(w, _FIRST) for w in start])) for at, loss in losses.items()}
    for _ in range(_ROUNDS):
        found = _Program(form, limits, joined, has_goal).solved()
        if found is None:
            return None
        if not any(len(np.setdiff1d(loss.worst(found.weights, 1.0), joined[at])) for at, loss in losses.items()):
            return found
        joined = {at: np.union1d(joined[at], loss.worst(found.weights, _JOIN)) for at, loss in losses.items()}
    raise SolutionRefused(f"which scenarios matter is not settled after {_ROUNDS} programs")


class _Program:
    """Columns: weights, purchases where they are limited, ways to give, then z and e of each loss."""

    def __init__(self, form: StandardForm, limits: Sequence[Limit], joined: Joined, has_goal: bool) -> None:
        self._form, self._limits, self._joined, self._has_goal = form, limits, joined, has_goal
        self._count = len(form.lower)
        of_turnover = any(isinstance(each, Linear) and each.row.field == MAX_TURNOVER for each in limits)
        self._buys = form.has_purchases or of_turnover
        self._gives = self._count * (2 if self._buys else 1)
        self._next_level = self._gives + len(limits)
        self._table = ConeTable(self._next_level + sum(1 + len(each) for each in joined.values()))
        self._units = np.ones(len(limits))
        self._tails: dict[int, slice] = {}
        self._add_bounds()
        self._rows = self._table.below(form.row_limits, Part(form.row_matrix, 0)) if form.rows else slice(0, 0)
        self._turnover = self._add_purchases() if self._buys else slice(0, 0)
        for place, limit in enumerate(limits):
            self._add_give(limit, self._gives + place)
            self._add_limit(limit, place)

    def solved(self) -> Given | None:
        """Return the optimum; None where there is none. Raises SolutionRefused."""
        cost, form = self._cost(), self._form
        unit = float(np.abs(cost).max()) or 1.0
        risk = None
        if self._has_goal:
            risk = form.goal.quadratic * (form.root @ form.root.T + np.diag(form.specific_variances)) / unit
        point = cone_optimum(cost / unit, risk, self._table)
        return None if point is None else self._given(*point)

    def _add_bounds(self) -> None:
        form, ones = self._form, np.ones(self._count)
        self._table.add(np.ones(1), clarabel.ZeroConeT(1), Part(ones[None, :], 0))
        self._lower = self._table.below(-form.lower, Part(-ones, 0))
        self._capped = np.flatnonzero(form.upper < 1.0)
        self._upper = slice(0, 0)
        if len(self._capped):
            self._upper = self._table.below(form.upper[self._capped], Part(np.diag(ones)[self._capped], 0))

    def _add_purchases(self) -> slice:
        form, bought = self._form, Part(-np.ones(self._count), self._count)
        self._table.below(form.current, Part(np.ones(self._count), 0), bought)
        self._table.below(np.zeros(self._count), bought)
        if form.max_turnover is None:
            return slice(0, 0)
        return self._table.below(np.array([form.max_turnover]), Part(np.ones((1, self._count)), self._count))

    def _add_give(self, limit: Limit, give: int) -> None:
        if limit.price is None:
            self._table.add(np.zeros(1), clarabel.ZeroConeT(1), Part(_ONE, give))
        elif not limit.is_free:
            self._table.below(np.zeros(1), Part(-_ONE, give))

    def _add_limit(self, limit: Limit, place: int) -> None:
        give = self._gives + place
        if isinstance(limit, Deviation):
            limit.add(self._table, self._form, give)
        elif isinstance(limit, Linear):
            limit.add(self._table, self._count if limit.row.field == MAX_TURNOVER else 0, self._count, give)
        else:
            self._tails[place] = limit.add(self._table, self._joined[place], give, self._next_level)
            self._units[place] = limit.unit
            self._next_level += 1 + len(self._joined[place])

    def _cost(self) -> Vector:
        cost, goal = np.zeros(self._table.columns), self._form.goal
        if self._has_goal:
            cost[: self._count] = -goal.linear
            cost[self._count : self._gives] = goal.purchase_cost
        prices = np.array([each.price or 0.0 for each in self._limits])
        cost[self._gives : self._gives + len(self._limits)] = prices * self._units
        return cost

    def _given(self, x: Vector, z: Vector) -> Given:
        upper = np.zeros(self._count)
        upper[self._capped] = z[self._upper]
        return Given(
            by=tuple((x[self._gives : self._gives + len(self._limits)] * self._units).tolist()),
            weights=x[: self._count],
            lower=z[self._lower],
            upper=upper,
            rows=z[self._rows],
            turnover=float(z[self._turnover].sum()),
            shares=self._shares(z),
        )

    def _shares(self, z: Vector) -> Vector | None:
        """Return what the multipliers of the first loss say."""
        for place, tail in self._tails.items():
            limit = self._limits[place]
            shares = np.zeros(len(limit.returns) if isinstance(limit, Loss) else 0)
            shares[self._joined[place]] = np.maximum(z[tail], 0.0)
            total = float(shares.sum())
            return shares / total if total > _SMALLEST_PRICE else None
        return None
