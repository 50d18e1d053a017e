"""The best portfolio on a given choice of products: a small dense quadratic program, fast rather than proven.

Searches compare choices by it; the answer that leaves the service is solved again and certified. Rows and turnover
may be broken at a price, so that a search can walk from a choice without a portfolio to one with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import piqp

from services.optimizer.moments import Matrix, Vector
from services.optimizer.positions.bound import Multipliers
from services.optimizer.positions.program import Program

_OPTIONS = {"eps_abs": 1e-9, "eps_rel": 1e-9, "eps_duality_gap_abs": 1e-9, "eps_duality_gap_rel": 1e-9, "max_iter": 100}
# Breaking a row costs this much a unit; the objective is of order one.
BROKEN = 1e3
_KEPT = 1e-7


@dataclass(frozen=True, eq=False)
class Trial:
    """What a choice is worth: its objective with the price of what it breaks, and whether it breaks nothing.

    multipliers: of its optimum; they tell which other products would gain.
    """

    merit: float
    is_kept: bool
    multipliers: Multipliers


class Restricted:
    """Remembers what it was asked, by support."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._known: dict[bytes, Trial | None] = {}

    def __len__(self) -> int:
        """How many choices were tried."""
        return len(self._known)

    def best(self, support: np.ndarray) -> Trial | None:
        """Return the best on the products at these places, rising; None where bounds leave no weights of sum one."""
        key = support.tobytes()
        if key not in self._known:
            self._known[key] = self._solved(support)
        return self._known[key]

    def _solved(self, support: np.ndarray) -> Trial | None:
        program, count = self._program, len(support)
        low, high = program.low[support], program.high[support]
        if low.sum() > 1.0 + _KEPT or high.sum() < 1.0 - _KEPT:
            return None
        rows, right = self._rows(support)
        broken, width = len(program.limits) + (program.max_turnover is not None), rows.shape[1]
        quadratic = np.zeros((width, width), order="F")
        root = program.root[support]
        quadratic[:count, :count] = program.quadratic * (root @ root.T)
        quadratic[np.diag_indices(count)] += program.own[support]
        linear = np.zeros(width)
        linear[:count] = -program.linear[support]
        linear[width - broken :] = BROKEN
        budget = (np.arange(width) < count).astype(float)[None, :]
        solver = piqp.DenseSolver()
        for option, value in _OPTIONS.items():
            setattr(solver.settings, option, value)
        solver.setup(
            quadratic,
            linear,
            np.asfortranarray(budget),
            np.ones(1),
            *((np.asfortranarray(rows), None, right) if len(right) else (None, None, None)),
            np.concatenate([low, np.zeros(width - count)]),
            np.concatenate([high, np.full(width - count, np.inf)]),
        )
        if solver.solve().name != "PIQP_SOLVED":
            return None
        x = np.asarray(solver.result.x)
        excess = float(x[width - broken :].sum())
        weights = np.zeros(len(program.low))
        weights[support] = np.clip(x[:count], low, high)
        value = program.value(weights)
        is_kept = excess < _KEPT * max(broken, 1)
        return Trial(
            value if is_kept else value + BROKEN * excess, is_kept, self._multipliers(support, weights, solver)
        )

    def _multipliers(self, support: np.ndarray, weights: Vector, solver: Any) -> Multipliers:
        program, m = self._program, len(self._program.limits)
        prices, turnover = np.asarray(solver.result.z_u), 0.0
        purchases = np.zeros(len(weights))
        if program.max_turnover is not None:
            turnover = float(prices[m])
            purchases = np.where(program.current > 0.0, 0.0, turnover)
            purchases[support[program.current[support] > 0.0]] = prices[m + 1 :]
        budget = float(solver.result.y[0])
        return Multipliers(program.root.T @ weights, budget, prices[:m].copy(), purchases, turnover)

    def _rows(self, support: np.ndarray) -> tuple[Matrix, Vector]:
        """Return the rows over weights, purchases of what is held today and excesses, and their limits."""
        program, count = self._program, len(support)
        matrix, m = program.matrix[:, support], len(program.limits)
        if program.max_turnover is None:
            return np.hstack([matrix, -np.eye(m)]), program.limits
        current = program.current[support]
        places = np.flatnonzero(current > 0.0)
        h = len(places)
        rows = np.zeros((m + 1 + h, count + h + m + 1))
        rows[:m, :count] = matrix
        rows[m, :count] = current <= 0.0
        rows[m, count : count + h] = 1.0
        rows[: m + 1, count + h :] = -np.eye(m + 1)
        rows[m + 1 + np.arange(h), places] = 1.0
        rows[m + 1 + np.arange(h), count + np.arange(h)] = -1.0
        return rows, np.concatenate([program.limits, [program.max_turnover], current[places]])
