"""Whether linear limits can hold together, and how far one of them must give way: exact linear programs.

One HiGHS model per request. Every limit has an elastic variable, the amount by which it may be broken, so that
questions about subsets of limits change a few numbers and start from the last basis: a question about a hundred
limits takes a fraction of a millisecond.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import highspy
import numpy as np

from services.optimizer.constraints import MAX_TURNOVER, Row
from services.optimizer.moments import Vector

# Weights are known to about this much; a contradiction smaller than it is rounding.
SLACK = 1e-8
_INFINITY = highspy.kHighsInf


class LinearLimits:
    """Answers questions about `rows` over the weights of n products, fully invested and never short.

    With a turnover limit the purchases are n more variables, and that limit is a row over both, `turnover_row`.
    """

    def __init__(self, rows: Sequence[Row], current: Vector) -> None:
        self.rows = tuple(rows)
        self._limits = np.array([row.limit for row in rows])
        self._ones = np.ones(len(rows))
        # Its type stubs leave out half of its methods.
        self._model: Any = highspy.Highs()
        for option, value in (("output_flag", False), ("threads", 1)):
            self._model.setOptionValue(option, value)
        self._count = len(current)
        has_purchases = any(row.field == MAX_TURNOVER for row in rows)
        self._elastic = self._count * (2 if has_purchases else 1)
        columns = self._elastic + len(rows)
        self._model.addVars(columns, np.zeros(columns), np.full(columns, _INFINITY))
        for position, row in enumerate(rows):
            self._add(row.coefficients, row.limit, extra=self._elastic + position)
        if has_purchases:
            for i, held in enumerate(current):
                self._model.addRow(-_INFINITY, held, 2, np.array([i, self._count + i]), np.array([1.0, -1.0]))
        self._model.addRow(1.0, 1.0, self._count, np.arange(self._count), np.ones(self._count))

    def blame(self, among: Sequence[Row]) -> list[Row]:
        """Return rows that contradict each other, few but perhaps not fewest; an empty list where none do.

        Minimises the sum of violations. The rows with a price in that optimum are a contradiction by themselves
        (Farkas' lemma), so the others need no look.
        """
        asked = {id(row) for row in among}
        is_asked = np.array([id(row) in asked for row in self.rows], dtype=bool)
        self._set(limits=np.where(is_asked, self._limits, _INFINITY), cost=self._ones, most=self._ones * _INFINITY)
        self._model.run()
        if self._model.getObjectiveValue() <= SLACK:
            return []
        prices = np.abs(self._model.getSolution().row_dual[: len(self.rows)])
        return [row for row, price in zip(self.rows, prices, strict=True) if price > SLACK]

    def least(self, wanted: Row) -> float | None:
        """Return the smallest limit of `wanted` at which it holds together with all other rows; None if never."""
        is_wanted = np.array([row is wanted for row in self.rows], dtype=bool)
        self._set(limits=self._limits, cost=is_wanted.astype(float), most=np.where(is_wanted, _INFINITY, 0.0))
        self._model.run()
        if self._model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        return wanted.limit + float(self._model.getObjectiveValue())

    def _add(self, coefficients: Vector, limit: float, extra: int) -> None:
        places = np.flatnonzero(coefficients)
        values = np.append(coefficients[places], -1.0)
        self._model.addRow(-_INFINITY, limit, len(values), np.append(places, extra), values)

    def _set(self, limits: Vector, cost: Vector, most: Vector) -> None:
        """Set the right-hand side of each row, and the price and the bound of breaking it."""
        count = len(self.rows)
        places, elastic = np.arange(count), self._elastic + np.arange(count)
        self._model.changeRowsBounds(count, places, np.full(count, -_INFINITY), limits)
        self._model.changeColsCost(count, elastic, cost)
        self._model.changeColsBounds(count, elastic, np.zeros(count), most)


def turnover_row(count: int, limit: float) -> Row:
    """Return the limit on the sum of the purchases of `count` products."""
    return Row(MAX_TURNOVER, np.concatenate([np.zeros(count), np.ones(count)]), limit)
