"""Where a tail program starts: the scenarios that take part and the basis of one that was solved before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from services.optimizer.moments import Matrix, Vector


@dataclass(frozen=True, eq=False)
class Start:
    """Scenarios by position and, unless empty, HiGHS's status of the columns nu and a, of q, and of the n + 1 rows."""

    joined: np.ndarray
    columns: tuple[Any, ...] = ()
    shares: tuple[Any, ...] = ()
    rows: tuple[Any, ...] = ()


def cold(returns: Matrix, confidence: float) -> Start:
    """Return a start without a basis, with twice the scenarios of the tail: those worst for an equal mixture."""
    count = min(int(np.ceil(2.0 * (1.0 - confidence) * len(returns))) + 1, len(returns))
    return Start(np.sort(np.argsort(returns.mean(axis=1), kind="stable")[:count]))


@dataclass(frozen=True)
class Places:
    """Where the columns nu, a, z, tau, pi stand for n products and m rows; those of the scenarios follow.

    The rows are one for each product, then sum(q) = 1 and, with purchases, pi <= tau.
    """

    products: int
    limits: int
    has_purchases: bool

    @property
    def turnover(self) -> int:
        """The place of tau."""
        return 1 + self.products + self.limits

    @property
    def shares(self) -> int:
        """The place of the first q."""
        return self.turnover + (1 + self.products if self.has_purchases else 0)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.products + 1 + (self.products if self.has_purchases else 0)

    def columns(self, matrix: Matrix) -> tuple[np.ndarray, np.ndarray, Vector]:
        """Return the columns before q by starts, row indices and values.

        matrix: (m, n), the limits' coefficients.
        """
        n, own = self.products, np.arange(self.products)
        limits, members = np.nonzero(matrix)
        columns = [np.zeros(n, int), 1 + own, 1 + n + limits]
        rows, values = [own, own, members], [np.ones(2 * n), matrix[limits, members]]
        if self.has_purchases:
            after = self.turnover + 1 + own
            columns += [np.full(n, self.turnover), np.repeat(after, 2)]
            rows += [n + 1 + own, np.column_stack([own, n + 1 + own]).ravel()]
            values += [np.ones(n), np.tile([1.0, -1.0], n)]
        starts = np.searchsorted(np.concatenate(columns), np.arange(self.shares + 1))
        return starts.astype(np.int32), np.concatenate(rows).astype(np.int32), np.concatenate(values)
