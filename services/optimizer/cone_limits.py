"""Limits that may give way in a cone program, and the rows that each of them is.

    |S^(1/2) (w - b)| <= v + u                    volatility (b = 0) and tracking error
    z + sum(e) / ((1 - confidence) S) <= L + u    loss, with e >= -R w - z, e >= 0 for scenarios that matter;
                                                  for those that are deep in the tail e is -R w - z
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
_ROUNDING = 1e-9


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
class Tail:
    """Scenarios by position: `border` may be in the tail, `deep` ones are taken to be in it, the others not."""

    border: np.ndarray
    deep: np.ndarray

    @property
    def part(self) -> np.ndarray:
        """The scenarios that take part."""
        return np.union1d(self.border, self.deep)


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
        return self._first(weights, int(np.ceil(multiple / self.most)) + 1)

    def deep(self, weights: Vector, multiple: float = 1.0) -> np.ndarray:
        """Return the positions of the scenarios that are in the tail with their whole share, or the worst of them."""
        return self._first(weights, int(multiple / self.most + _ROUNDING))

    def _first(self, weights: Vector, count: int) -> np.ndarray:
        if count >= len(self.returns):
            return np.arange(len(self.returns))
        return np.asarray(np.argpartition(self.returns @ weights, count)[:count])

    @property
    def most(self) -> float:
        """The largest share of a scenario in the mean."""
        return 1.0 / ((1.0 - self.confidence) * len(self.returns))

    def add(self, table: ConeTable, tail: Tail, give: int, level: int) -> tuple[slice, slice]:
        """Add its rows, z in the column `level` and e after it; return where e and the mean are bounded."""
        size, unit, excess = len(tail.border), self.unit, level + 1
        returns = Part(-self.returns[tail.border] / unit, 0)
        border = table.below(np.zeros(size), returns, Part(-np.ones((size, 1)), level), Part(-np.ones(size), excess))
        table.below(np.zeros(size), Part(-np.ones(size), excess))
        deep = Part(-self.most * self.returns[tail.deep].sum(axis=0)[None, :] / unit, 0)
        rest = Part(_ONE * (1.0 - self.most * len(tail.deep)), level)
        mean = deep, rest, Part(np.full((1, size), self.most), excess), Part(-_ONE, give)
        return border, table.below(np.array([self.limit / unit]), *mean)


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
