"""The rows A x + s = b of a cone program, cone by cone, as they are written."""

from __future__ import annotations

from typing import Any, NamedTuple

import clarabel
import numpy as np
from scipy import sparse

from services.optimizer.moments import Vector


class Part(NamedTuple):
    """Coefficients of some rows.  values: (rows, columns), or (size,) for a diagonal; column, row: where they start."""

    values: np.ndarray
    column: int
    row: int = 0


class ConeTable:
    """Gathers rows as arrays and makes one sparse matrix of them at the end: one a block takes far longer to build."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.cones: list[Any] = []
        self.count = 0
        self._right: list[Vector] = []
        self._entries: list[tuple[Vector, np.ndarray, np.ndarray]] = []

    def add(self, right: Vector, cone: Any, *parts: Part) -> slice:
        """Add rows in this cone, right: (rows,); return where they stand."""
        for values, column, row in parts:
            rows, columns = np.diag_indices(len(values)) if values.ndim == 1 else np.nonzero(values)
            data = values if values.ndim == 1 else values[rows, columns]
            self._entries.append((data, rows + (self.count + row), columns + column))
        self._right.append(right)
        self.cones.append(cone)
        self.count += len(right)
        return slice(self.count - len(right), self.count)

    def below(self, right: Vector, *parts: Part) -> slice:
        """Add inequalities: the parts times x are at most `right`, (rows,)."""
        return self.add(right, clarabel.NonnegativeConeT(len(right)), *parts)

    @property
    def matrix(self) -> Any:
        """The coefficients, A, (rows, columns)."""
        data, rows, columns = (np.concatenate(each) for each in zip(*self._entries, strict=True))
        return sparse.csc_matrix((data, (rows, columns)), shape=(self.count, self.columns))

    @property
    def right(self) -> Vector:
        """The right-hand sides, b, (rows,)."""
        return np.concatenate(self._right)

    def outside(self, values: Vector, is_dual: bool = False) -> float:
        """Return how far the values, (rows,), are from the cones, or from their duals."""
        worst, first = 0.0, 0
        for cone, right in zip(self.cones, self._right, strict=True):
            part = values[first : first + len(right)]
            first += len(right)
            worst = max(worst, _outside(part, cone, is_dual))
        return worst


def _outside(part: Vector, cone: Any, is_dual: bool) -> float:
    if isinstance(cone, clarabel.ZeroConeT):
        return 0.0 if is_dual else float(np.abs(part).max())
    if isinstance(cone, clarabel.SecondOrderConeT):
        return float(np.linalg.norm(part[1:]) - part[0])
    return -float(part.min())
