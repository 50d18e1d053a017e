"""A quadratic goal under a limit on the loss in the worst scenarios, as one program over the few that matter.

minimise    q/2 w' S w - m' w + k sum(p)          and the other limits of the standard form, no cone among them
subject to  -R_s' w - v <= e_s, e >= 0            for the scenarios s that may matter
            v + sum(e) / ((1 - confidence) S) <= L

Source: Rockafellar and Uryasev (2000). PIQP eliminates the excesses e, one for each scenario, by itself: 100 products
and 300 scenarios take about 70 ms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import piqp
from scipy import sparse

from services.optimizer.moments import Matrix, Vector
from services.optimizer.problem import CvarLimit
from services.optimizer.standard_form import Solution, StandardForm

_ACCURACY = 1e-9
# While scenarios are missing, the optimum need not be known better than which they are.
_ROUGH = 1e-5
# Scenarios that take part at first and that join, as multiples of those in the tail.
_FIRST, _JOIN = 1.2, 1.4
_ROUNDS = 8


@dataclass(frozen=True, eq=False)
class Tail:
    """An optimum to the solver's accuracy. Losses are in `unit`, so that they are of order one.

    joined: positions of the scenarios that took part.  excess: e, and pulls: the multipliers of the rows that bind it
    to w, (joined,) both.  price: the multiplier of the limit.
    """

    solution: Solution
    unit: float
    joined: np.ndarray
    level: float
    excess: Vector
    pulls: Vector
    price: float


def quadratic_tail(form: StandardForm, returns: Matrix, limit: CvarLimit, near: tuple[Vector, ...]) -> Tail | None:
    """Return the optimum, or None where the solver finds none.

    returns: (S, n).  near: weights, (n,) each, whose bad scenarios take part from the start.
    """
    joined = np.unique(np.concatenate([_worst(returns, weights, limit, _FIRST) for weights in near]))
    for _ in range(_ROUNDS):
        tail = _solved(form, returns, limit, joined, _ROUGH)
        if tail is None:
            return None
        w = tail.solution.weights
        if len(np.setdiff1d(_worst(returns, w, limit, 1.0), joined)) == 0:
            break
        used = joined[(tail.excess > _ROUGH) | (tail.pulls > _ROUGH)]
        joined = np.union1d(used, _worst(returns, w, limit, _JOIN))
    return _solved(form, returns, limit, joined, _ACCURACY)


def _worst(returns: Matrix, weights: Vector, limit: CvarLimit, multiple: float) -> np.ndarray:
    """Return the positions of the scenarios that are worst for these weights, sorted."""
    count = min(int(np.ceil(multiple * (1.0 - limit.confidence) * len(returns))) + 1, len(returns))
    return np.sort(np.argpartition(returns @ weights, count - 1)[:count])


def _solved(form: StandardForm, returns: Matrix, limit: CvarLimit, joined: np.ndarray, accuracy: float) -> Tail | None:
    n, m, size = len(form.lower), len(form.rows), len(joined)
    unit = float(np.abs(returns).mean()) or 1.0
    bought = n if form.has_purchases else 0
    rest = 1 + size + bought
    risk = form.goal.quadratic * (form.root @ form.root.T + np.diag(form.specific_variances))
    curvature = sparse.block_diag([sparse.csc_matrix(np.triu(risk)), sparse.csc_matrix((rest, rest))], "csc")
    linear = np.concatenate([-form.goal.linear, np.zeros(1 + size), np.full(bought, form.goal.purchase_cost)])
    budget = sparse.csc_matrix(np.concatenate([np.ones(n), np.zeros(rest)])[None, :])
    most = 1.0 / ((1.0 - limit.confidence) * len(returns))
    rows, right = _inequalities(form, returns[joined] / unit, most, limit.max_loss / unit)
    low = np.concatenate([form.lower, [-np.inf], np.zeros(size + bought)])
    high = np.concatenate([form.upper, np.full(rest, np.inf)])
    solver: Any = piqp.SparseSolver()
    solver.settings.eps_abs = solver.settings.eps_rel = accuracy
    solver.setup(curvature, linear, budget, np.ones(1), rows, None, right, low, high)
    solver.solve()
    if solver.result.info.status.name != "PIQP_SOLVED":
        return None
    x = solver.result.x
    pulls, price, limits, purchases, turnover = np.split(solver.result.z_u, np.cumsum([size, 1, m, bought]))
    solution = Solution(
        weights=x[:n],
        budget=float(solver.result.y[0]),
        lower=solver.result.z_bl[:n],
        upper=solver.result.z_bu[:n],
        rows=limits,
        purchases=purchases if bought else np.zeros(n),
        turnover=float(turnover[0]) if bought else 0.0,
        volatility=0.0,
    )
    return Tail(solution, unit, joined, float(x[n]), x[n + 1 : n + 1 + size], pulls, float(price[0]))


def _inequalities(form: StandardForm, returns: Matrix, most: float, max_loss: float) -> tuple[Any, Vector]:
    """Return the rows over w, v, e and purchases, the tail's first, and their right-hand sides."""
    size, n = returns.shape
    eye = sparse.identity(n, format="csc")
    blocks: list[list[Any]] = [
        [sparse.csc_matrix(-returns), -np.ones((size, 1)), -sparse.identity(size)],
        [None, np.ones((1, 1)), most * np.ones((1, size))],
    ]
    right = [np.zeros(size), np.array([max_loss]), form.row_limits]
    if form.rows:
        blocks.append([sparse.csc_matrix(form.row_matrix), None, None])
    if form.max_turnover is not None:
        blocks = [[*row, None] for row in blocks]
        blocks += [[eye, None, None, -eye], [None, None, None, np.ones((1, n))]]
        right += [form.current, np.array([form.max_turnover])]
    return sparse.bmat(blocks, format="csc"), np.concatenate(right)
