"""Whether linear limits can hold together, and how far one of them must give way: exact linear programs.

One HiGHS model per request. Limits on single products are bounds of its columns and only the others are rows, so that a
program over a hundred limited products has a dozen rows. A weight is what the bounds allow plus what is above them
minus what is below; with a turnover limit each in two parts, up to what is held today and bought. Questions about
subsets of limits change bounds and start from the last basis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from services.optimizer.constraints import MAX_TURNOVER, Row
from services.optimizer.moments import Vector

# Weights are known to about this much; a contradiction smaller than it is rounding.
SLACK = 1e-8
_INFINITY = highspy.kHighsInf


@dataclass(frozen=True, eq=False)
class _Bounds:
    """Smallest and largest weight of each product, and how far it may go beyond either, (n,) all.

    crossed: what the smallest are above the largest in sum, which no weights can mend.
    """

    low: Vector
    high: Vector
    above: Vector
    below: Vector
    crossed: float = 0.0


class LinearLimits:
    """Answers questions about `rows` over the weights of n products, fully invested and never short."""

    def __init__(self, rows: Sequence[Row], current: Vector) -> None:
        self.rows = tuple(rows)
        self._current, self._count = current, len(current)
        self._shared = [row for row in rows if row.product is None]
        self._limits = np.array([row.limit for row in self._shared])
        self._lower = [row for row in rows if row.product is not None and row.is_lower]
        self._upper = [row for row in rows if row.product is not None and not row.is_lower]
        # Without a turnover limit what is bought is not told apart.
        self._parts = 2 if any(row.field == MAX_TURNOVER for row in rows) else 1
        n, parts = self._count, self._parts
        weights = 3 * parts * n
        # Its type stubs leave out half of its methods.
        self._model: Any = highspy.Highs()
        for option, value in (("output_flag", False), ("threads", 1), ("presolve", "off")):
            self._model.setOptionValue(option, value)
        columns = weights + len(self._shared)
        self._model.addVars(columns, np.zeros(columns), np.full(columns, _INFINITY))
        # Of a unit of each column: what it adds to the weight and what it adds to the purchases.
        adds, buys = np.repeat([1.0, 1.0, -1.0], parts * n), np.tile(np.repeat(np.arange(parts), n), 3)
        for position, row in enumerate(self._shared):
            is_turnover = row.field == MAX_TURNOVER
            values = adds * (buys if is_turnover else np.tile(row.coefficients, 3 * parts))
            self._add(values, -_INFINITY, row.limit, weights + position)
        self._add(adds, 1.0, 1.0)

    def blame(self, among: Sequence[Row]) -> list[Row]:
        """Return rows that contradict each other, few but perhaps not fewest; an empty list where none do.

        Minimises the sum of violations. The rows with a price in that optimum are a contradiction by themselves
        (Farkas' lemma), so the others need no look. Bounds of one product that cross are one already.
        """
        asked = {id(row) for row in among}
        lower, upper = self._tightest(asked)
        for place, row in lower.items():
            if place in upper and -row.limit - upper[place].limit > SLACK:
                return [row, upper[place]]
        bounds = self._violated(lower, upper, asked)
        if self._model.getObjectiveValue() <= SLACK:
            return []
        solution, n = self._model.getSolution(), self._count
        reduced = np.array(solution.col_dual[: self._parts * n])
        held, bought = reduced[:n], reduced[-n:]
        priced = {id(row) for row, dual in zip(self._shared, solution.row_dual, strict=False) if abs(dual) > SLACK}
        # A bound is at what is bought where it is above what is held.
        below = np.where(bounds.low > self._current, bought, held)
        above = np.where(bounds.high >= self._current, bought, held)
        priced |= {id(row) for place, row in lower.items() if below[place] > SLACK}
        priced |= {id(row) for place, row in upper.items() if -above[place] > SLACK}
        return [row for row in self.rows if id(row) in priced]

    def way_out(self) -> Vector:
        """Return weights, (n,), with which the sum of what the limits are broken by is least."""
        asked = {id(row) for row in self.rows}
        self._violated(*self._tightest(asked), asked)
        size = 3 * self._parts * self._count
        values = np.array(self._model.getSolution().col_value[:size]).reshape(3, self._parts, self._count).sum(axis=1)
        return np.asarray(values[0] + values[1] - values[2])

    def least(self, wanted: Row) -> float | None:
        """Return the smallest limit of `wanted` at which it holds together with all other rows; None if never."""
        lower, upper = self._tightest({id(row) for row in self.rows if row is not wanted})
        bounds = self._one_wanted(wanted, lower, upper)
        if bounds is None:
            return None
        is_wanted = np.array([row is wanted for row in self._shared], dtype=bool)
        self._set(bounds, self._limits, is_wanted.astype(float), np.where(is_wanted, _INFINITY, 0.0))
        self._model.run()
        if self._model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        return wanted.limit + bounds.crossed + float(self._model.getObjectiveValue())

    def _tightest(self, asked: set[int]) -> tuple[dict[int, Row], dict[int, Row]]:
        """Return by product the tightest lower and upper limit among those that are asked about."""
        found: tuple[dict[int, Row], dict[int, Row]] = {}, {}
        for rows, tightest in zip((self._lower, self._upper), found, strict=True):
            for row in rows:
                place = row.product
                if id(row) not in asked or place is None:
                    continue
                if place not in tightest or row.limit < tightest[place].limit:
                    tightest[place] = row
        return found

    def _ends(self, lower: dict[int, Row], upper: dict[int, Row]) -> tuple[Vector, Vector]:
        low, high = np.zeros(self._count), np.ones(self._count)
        low[list(lower)] = [-row.limit for row in lower.values()]
        high[list(upper)] = [row.limit for row in upper.values()]
        return low, high

    def _violated(self, lower: dict[int, Row], upper: dict[int, Row], asked: set[int]) -> _Bounds:
        """Solve for the least sum of violations of these limits; return the bounds."""
        low, high = self._ends(lower, upper)
        # Between bounds that cross both are broken by their distance in sum, whatever the weight.
        low, high = np.minimum(low, high), np.maximum(low, high)
        above = np.zeros(self._count)
        above[list(upper)] = _INFINITY
        bounds = _Bounds(low, high, above, low)
        is_asked = np.array([id(row) in asked for row in self._shared], dtype=bool)
        count = len(self._shared)
        self._set(bounds, np.where(is_asked, self._limits, _INFINITY), np.ones(count), np.full(count, _INFINITY))
        self._model.run()
        return bounds

    def _one_wanted(self, wanted: Row, lower: dict[int, Row], upper: dict[int, Row]) -> _Bounds | None:
        """Return bounds that only the wanted limit may leave; None where others cross."""
        low, high = self._ends(lower, upper)
        above, below, crossed = np.zeros(self._count), np.zeros(self._count), 0.0
        if (low - high > SLACK).any():
            return None
        high = np.maximum(low, high)
        place = wanted.product
        if place is not None and wanted.is_lower:
            least, end = -wanted.limit, low[place]
            crossed = max(least - high[place], 0.0)
            low[place] = min(least, high[place])
            below[place] = low[place] - end
        elif place is not None:
            most, end = min(wanted.limit, high[place]), high[place]
            crossed = max(low[place] - most, 0.0)
            high[place] = max(most, low[place])
            above[place] = end - high[place]
        return _Bounds(low, high, above, below, crossed)

    def _add(self, values: Vector, low: float, high: float, extra: int | None = None) -> None:
        places = np.flatnonzero(values)
        values = values[places]
        if extra is not None:
            places, values = np.append(places, extra), np.append(values, -1.0)
        self._model.addRow(low, high, len(values), places, values)

    def _set(self, bounds: _Bounds, limits: Vector, cost: Vector, most: Vector) -> None:
        """Set the bounds of the weights, and of each shared row the limit, the price and the most of its break."""
        count, size = len(self._shared), self._parts * self._count
        least, largest = self._split(bounds) if self._parts == 2 else (bounds.low, _all_of(bounds))
        columns = np.arange(3 * size + count)
        prices = np.concatenate([np.zeros(size), np.ones(2 * size), cost])
        self._model.changeColsCost(len(columns), columns, prices)
        low = np.concatenate([least, np.zeros(2 * size + count)])
        self._model.changeColsBounds(len(columns), columns, low, np.concatenate([largest, most]))
        if count:
            self._model.changeRowsBounds(count, np.arange(count), np.full(count, -_INFINITY), limits)

    def _split(self, bounds: _Bounds) -> tuple[Vector, Vector]:
        """Return smallest values of what is held and bought, and the largest of all columns."""
        held, left = self._current, np.maximum(self._current - bounds.high, 0.0)
        least = np.minimum(bounds.low, held), np.maximum(bounds.low - held, 0.0)
        largest = (
            np.minimum(bounds.high, held),
            np.maximum(bounds.high - held, 0.0),
            np.minimum(bounds.above, left),
            np.maximum(bounds.above - left, 0.0),
            np.minimum(bounds.below, least[0]),
            np.minimum(bounds.below, least[1]),
        )
        return np.concatenate(least), np.concatenate(largest)


def _all_of(bounds: _Bounds) -> Vector:
    return np.concatenate([bounds.high, bounds.above, bounds.below])


def turnover_row(count: int, limit: float) -> Row:
    """Return the limit on the sum of the purchases of `count` products."""
    return Row(MAX_TURNOVER, np.concatenate([np.zeros(count), np.ones(count)]), limit)
