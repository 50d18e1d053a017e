"""Contradictions of limits on single products with the sum of all weights: no program is needed for them.

Largest weights that sum to less than one need every product: each is a member. Smallest weights that sum to more than
one lose members while the rest still do. All other limits kept, only one portfolio has the least a member can give:
the others at their bounds and what is left in its product. Whether that portfolio obeys the other limits is a product
of their matrix and it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from services.optimizer.constraints import MAX_TURNOVER, Row, limits_of, matrix_of, turnover
from services.optimizer.linear_limits import SLACK
from services.optimizer.moments import Vector


class WeightSums:
    """Answers about the rows of one request over n products, of which `current` is held, (n,)."""

    def __init__(self, rows: Sequence[Row], current: Vector) -> None:
        count = len(current)
        self._rows, self._current = rows, current
        self._least, self._most = np.zeros(count), np.ones(count)
        for row in rows:
            if row.product is not None and row.is_lower:
                self._least[row.product] = max(-row.limit, self._least[row.product])
            elif row.product is not None:
                self._most[row.product] = min(row.limit, self._most[row.product])
        shared = [row for row in rows if row.product is None and row.field != MAX_TURNOVER]
        self._matrix, self._limits = matrix_of(shared, count), limits_of(shared)
        self._turnover = next((row.limit for row in rows if row.field == MAX_TURNOVER), np.inf)

    def irreducible(self, blamed: Sequence[Row]) -> list[Row] | None:
        """Return the members of an irreducible contradiction among them; None where they are of another kind."""
        if any(row.product is None for row in blamed) or len({row.is_lower for row in blamed}) != 1:
            return None
        if len({row.product for row in blamed}) != len(blamed):
            return None
        total = sum(abs(row.limit) for row in blamed)
        if not blamed[0].is_lower:
            return list(blamed) if len(blamed) == len(self._current) and total < 1.0 - SLACK else None
        kept = []
        for row in blamed:
            if total + row.limit > 1.0 + SLACK:
                total += row.limit
            else:
                kept.append(row)
        return kept if total > 1.0 + SLACK else None

    def least(self, wanted: Row) -> float | None:
        """Return the smallest limit of the wanted row at which all others are kept; None where this cannot tell."""
        place = wanted.product
        if place is None:
            return None
        others = self._least if wanted.is_lower else self._most
        weights = others.copy()
        weights[place] = 1.0 - (others.sum() - others[place])
        limit = float(-weights[place] if wanted.is_lower else weights[place])
        return limit if limit > wanted.limit and self._obeys(weights, wanted) else None

    def cannot_help(self, wanted: Row) -> bool:
        """Return whether the smallest weights of the other products alone are more than there is."""
        return wanted.product is not None and self._least.sum() - self._least[wanted.product] > 1.0 + SLACK

    def _obeys(self, weights: Vector, wanted: Row) -> bool:
        """Return whether the weights obey all limits but the wanted one."""
        place = wanted.product
        same = [row for row in self._rows if row.product == place and row is not wanted]
        low, high = self._least.copy(), self._most.copy()
        low[place] = max([-row.limit for row in same if row.is_lower], default=0.0)
        high[place] = min([row.limit for row in same if not row.is_lower], default=1.0)
        is_between = bool((weights >= low - SLACK).all() and (weights <= high + SLACK).all())
        obeys = is_between and bool((self._matrix @ weights <= self._limits + SLACK).all())
        return obeys and turnover(weights, self._current) <= self._turnover + SLACK
