"""The linear limit that stands for a limit on the worst scenarios at the optimum: from the whole convex program.

Linear limits found one by one settle slowly where the limit is close to the least loss there is. The multipliers of
the scenarios in Rockafellar and Uryasev's program are the reweighting that matters; what comes out is a linear limit
that holds for any reweighting, exact or not, so an inaccurate solver costs steps and never correctness.
"""

from __future__ import annotations

from typing import Any

import cvxpy
import numpy as np

from services.optimizer.constraints import Row, limits_of, matrix_of
from services.optimizer.moments import Matrix, Vector
from services.optimizer.problem import CvarLimit
from services.optimizer.standard_form import StandardForm
from services.optimizer.tail_polish import polished_shares
from services.optimizer.tail_quadratic import quadratic_tail
from services.optimizer.tails import row_of

cp: Any = cvxpy

# How many scenarios may matter, as a multiple of those in the tail.
_MARGIN = 3.0


def seed(form: StandardForm, returns: Matrix, limit: CvarLimit, near: Vector, lowest: Vector) -> Row | None:
    """Return the linear limit, or None where the solver finds no optimum.

    returns: (S, n).  near, lowest: weights without the limit and of least loss, (n,): what is bad for them may matter.
    """
    if form.max_volatility is not None:
        return _within_cone(form, returns, limit, near)
    tail = quadratic_tail(form, returns, limit, (near, lowest))
    if tail is None:
        return None
    shares = polished_shares(form, returns, limit, tail)
    if shares is None:
        shares = np.zeros(len(returns))
        shares[tail.joined] = np.maximum(tail.pulls, 0.0)
    return row_of(returns, shares / shares.sum(), limit) if shares.sum() > 0.0 else None


def _within_cone(form: StandardForm, returns: Matrix, limit: CvarLimit, near: Vector) -> Row | None:
    count, n = returns.shape
    size = min(int(np.ceil(_MARGIN * (1.0 - limit.confidence) * count)) + 1, count)
    chosen = np.argsort(returns @ near, kind="stable")[:size]
    w, level, excess = cp.Variable(n), cp.Variable(), cp.Variable(size)
    tail = excess >= -returns[chosen] @ w - level
    loss = level + cp.sum(excess) / (count * (1.0 - limit.confidence))
    limits = [cp.sum(w) == 1, w >= form.lower, w <= form.upper, excess >= 0, tail, loss <= limit.max_loss]
    common, specific = form.root.T @ w, cp.multiply(form.specific, w)
    cost = 0.5 * form.goal.quadratic * (cp.sum_squares(common) + cp.sum_squares(specific)) - form.goal.linear @ w
    if form.rows:
        limits.append(matrix_of(form.rows, n) @ w <= limits_of(form.rows))
    if form.max_turnover is not None:
        bought = cp.sum(cp.pos(w - form.current))
        limits.append(bought <= form.max_turnover)
        cost += form.goal.purchase_cost * bought
    if form.max_volatility is not None:
        limits.append(cp.norm(cp.hstack([common, specific])) <= form.max_volatility)
    problem = cp.Problem(cp.Minimize(cost), limits)
    try:
        problem.solve(solver="CLARABEL")
    except cp.SolverError:
        return None
    if not str(problem.status).startswith("optimal"):
        return None
    shares = np.zeros(count)
    shares[chosen] = np.maximum(np.asarray(tail.dual_value, dtype=float), 0.0)
    if shares.sum() <= 0.0:
        return None
    return row_of(returns, np.asarray(shares / shares.sum()), limit)
