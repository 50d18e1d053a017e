"""How far chosen limits of a request must give way while all others are kept, curved ones included: one cone program.

minimise    sum of price * u, or the goal of the standard form where nothing gives way
subject to  sum(w) = 1, lower <= w <= upper, G w <= g, purchases of at most t, as in the standard form
            the limits that may give way by u, see `cone_limits`; u is zero for a limit that is kept

Scenarios that matter to a loss join until none is missing. Those that are deep in the tail at all portfolios nearby are
taken to stay there, which is a row for all of them in place of one for each; those that did not are told apart again.
Either way the loss is never overestimated: it is the largest over fewer reweightings of the scenarios (see `tails`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import clarabel
import numpy as np

from services.optimizer.cone_limits import Deviation, Limit, Linear, Loss, Tail
from services.optimizer.cone_solver import cone_optimum
from services.optimizer.cone_table import ConeTable, Part
from services.optimizer.constraints import MAX_TURNOVER
from services.optimizer.moments import Vector
from services.optimizer.standard_form import StandardForm
from shared.errors import SolutionRefused

# Scenarios that take part, and those that are deep in the tail, as multiples of those in it.
_PART, _DEEP = 1.4, 0.5
_ROUNDS = 12
_SMALLEST_PRICE = 1e-6
_ONE = np.ones((1, 1))

# The scenarios that take part, by the place of their loss among the limits.
Tails = dict[int, Tail]


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
    tails = {at: _tail(loss, start) for at, loss in losses.items()}
    for _ in range(_ROUNDS):
        try:
            found = _Program(form, limits, tails, has_goal).solved()
        except SolutionRefused:
            if not any(len(tail.deep) for tail in tails.values()):
                raise
            tails = {at: _apart(tail) for at, tail in tails.items()}
            continue
        if found is None:
            return None
        if all(_is_whole(tails[at], loss, found.weights) for at, loss in losses.items()):
            return found
        tails = {at: _joined(tails[at], _tail(loss, [found.weights])) for at, loss in losses.items()}
    raise SolutionRefused(f"which scenarios matter is not settled after {_ROUNDS} programs")


def _tail(loss: Loss, near: Sequence[Vector]) -> Tail:
    """Return the scenarios that matter near all of these weights."""
    part = reduce(np.union1d, [loss.worst(weights, _PART) for weights in near])
    deep = reduce(np.intersect1d, [loss.deep(weights, _DEEP) for weights in near])
    return Tail(np.setdiff1d(part, deep), deep)


def _apart(tail: Tail) -> Tail:
    """Return the tail with all that takes part in the border."""
    return Tail(tail.part, tail.deep[:0])


def _joined(before: Tail, now: Tail) -> Tail:
    deep = np.intersect1d(before.deep, now.deep)
    part = np.union1d(before.part, now.part)
    return Tail(np.setdiff1d(part, deep), deep)


def _is_whole(tail: Tail, loss: Loss, weights: Vector) -> bool:
    """Return whether no scenario is bad at these weights that takes no part, and all deep ones are among the worst."""
    is_known = np.isin(loss.worst(weights, 1.0), tail.part)
    return bool(is_known.all() and np.isin(tail.deep, loss.deep(weights)).all())


class _Program:
    """Columns: weights, purchases where they are limited, ways to give, then z and e of each loss."""

    def __init__(self, form: StandardForm, limits: Sequence[Limit], tails: Tails, has_goal: bool) -> None:
        self._form, self._limits, self._tails, self._has_goal = form, limits, tails, has_goal
        self._count = len(form.lower)
        of_turnover = any(isinstance(each, Linear) and each.row.field == MAX_TURNOVER for each in limits)
        self._buys = form.has_purchases or of_turnover
        self._gives = self._count * (2 if self._buys else 1)
        self._next_level = self._gives + len(limits)
        self._table = ConeTable(self._next_level + sum(1 + len(each.border) for each in tails.values()))
        self._units = np.ones(len(limits))
        self._bounded: dict[int, tuple[slice, slice]] = {}
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
            self._bounded[place] = limit.add(self._table, self._tails[place], give, self._next_level)
            self._units[place] = limit.unit
            self._next_level += 1 + len(self._tails[place].border)

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
        for place, (border, mean) in self._bounded.items():
            limit, tail = self._limits[place], self._tails[place]
            if isinstance(limit, Loss):
                shares = np.zeros(len(limit.returns))
                shares[tail.border] = np.maximum(z[border], 0.0)
                shares[tail.deep] = limit.most * float(z[mean].sum())
                total = float(shares.sum())
                return shares / total if total > _SMALLEST_PRICE else None
        return None
