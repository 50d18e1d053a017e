"""Limits that may give way in a cone program, and the rows that each of them is.

    |S^(1/2) (w - b)| <= v + u                    volatility (b = 0) and tracking error
    z + sum(e) / ((1 - confidence) S) <= L + u    loss, with e >= -R w - z, e >= 0 for scenarios that matter
    a' w <= r + u                                 a linear limit

Source: Rockafellar and Uryasev (2000) for the loss.
"""

from __future__ import annotations

from dataclasses import dataclass

import clarabel
import numpy as np

from services.optimizer.cone_table import ConeTable, Part
from services.optimizer.constraints import Row
from services.optimizer.moments import Matrix, Vector
from services.optimizer.standard_form import StandardForm

_ONE = np.ones((1, 1))


@dataclass(frozen=True, eq=False)
class Deviation:
    """A limit on sqrt((w - b)' S (w - b)), in units of the form's scale.  benchmark: b, (n,).

    price: of giving way by one; None: it is kept.  is_free: the bound may also fall below `limit`.
    """

    limit: float
    benchmark: Vector
    price: float | None = None
    is_free: bool = False

    def add(self, table: ConeTable, form: StandardForm, give: int) -> None:
        """Add its rows; it gives way by the column `give`."""
        count, factors = form.root.shape
        right = np.concatenate([[self.limit], -form.root.T @ self.benchmark, -form.specific * self.benchmark])
        parts = Part(-form.root.T, 0, 1), Part(-form.specific, 0, 1 + factors), Part(-_ONE, give)
        table.add(right, clarabel.SecondOrderConeT(1 + factors + count), *parts)


@dataclass(frozen=True, eq=False)
class Loss:
    """A limit on the mean loss in the worst 1 - confidence of `returns`, (S, n)."""

    limit: float
    confidence: float
    returns: Matrix
    price: float | None = None
    is_free: bool = False

    @property
    def unit(self) -> float:
        """The size of a return: in this unit its rows are of order one."""
        return float(np.abs(self.returns).mean()) or 1.0

    def worst(self, weights: Vector, multiple: float) -> np.ndarray:
        """Return the positions of the scenarios that are worst for these weights, a multiple of those in the tail."""
        total = len(self.returns)
        count = min(int(np.ceil(multiple * (1.0 - self.confidence) * total)) + 1, total)
        return np.asarray(np.argpartition(self.returns @ weights, count - 1)[:count])

    def add(self, table: ConeTable, chosen: np.ndarray, give: int, level: int) -> slice:
        """Add its rows for the chosen scenarios, z in the column `level` and e after it; return where e is bounded."""
        size, unit, excess = len(chosen), self.unit, level + 1
        most = 1.0 / ((1.0 - self.confidence) * len(self.returns))
        returns = Part(-self.returns[chosen] / unit, 0)
        tail = table.below(np.zeros(size), returns, Part(-np.ones((size, 1)), level), Part(-np.ones(size), excess))
        table.below(np.zeros(size), Part(-np.ones(size), excess))
        mean = Part(_ONE, level), Part(np.full((1, size), most), excess), Part(-_ONE, give)
        table.below(np.array([self.limit / unit]), *mean)
        return tail


@dataclass(frozen=True, eq=False)
class Linear:
    """A linear limit that gives way at this price; it is not among those of the form."""

    row: Row
    price: float | None = 1.0
    is_free: bool = False

    @property
    def limit(self) -> float:
        """The right-hand side."""
        return self.row.limit

    def add(self, table: ConeTable, first: int, count: int, give: int) -> None:
        """Add its row over the `count` columns from `first`, weights or purchases."""
        table.below(np.array([self.limit]), Part(self.row.coefficients[None, -count:], first), Part(-_ONE, give))


Limit = Deviation | Loss | Linear
