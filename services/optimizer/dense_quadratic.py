"""Problems without a cone that gain nothing from factors, by PIQP's dense interface.

Where the root of the covariance has about as many columns as products, the variables for factors that spare a factor
model the dense matrix are a second problem of the same size, and the sparse factorisation fills up. Over the weights
alone, with the matrix as it is, 500 products take a ninth of the time. Few products are quicker in this way whatever
their covariance: placing numbers in sparse matrices takes longer than the zeros. Purchases are variables as in
`quadratic`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import piqp

from services.optimizer.moments import Matrix, Vector
from services.optimizer.sides import Sides, purchases_left, sides_of
from services.optimizer.standard_form import Solution, StandardForm

# PIQP's answers by name, as cvxpy calls them.
STATUS = {"PIQP_SOLVED": "optimal", "PIQP_PRIMAL_INFEASIBLE": "infeasible", "PIQP_DUAL_INFEASIBLE": "unbounded"}
# Up to here this way was never slower, with 3 to 14 factors; with 48 products, all of them held, it is by half.
FEW_PRODUCTS = 32


def is_dense(form: StandardForm) -> bool:
    """Return whether something can move and products are few, or without own variances over half as many factors."""
    count, factors = form.root.shape
    is_full = 2 * factors >= count and not form.specific.any()
    return bool((count <= FEW_PRODUCTS or is_full) and form.is_free.any())


def dense_optimum(form: StandardForm, options: dict[str, Any]) -> tuple[str, Solution | None]:
    """Return PIQP's status and, where it claims an optimum, the solution."""
    sides = sides_of(form)
    moving = sides.free.nonzero()[0]
    solver = piqp.DenseSolver()
    for option, value in options.items():
        setattr(solver.settings, option, value)
    solver.setup(*_matrices(form, sides, moving))
    solver.solve()
    status = solver.result.info.status.name
    if status != "PIQP_SOLVED":
        return STATUS.get(status, status.lower()), None
    return "optimal", _solution(form, sides, moving, solver.result)


def _matrices(form: StandardForm, sides: Sides, moving: np.ndarray) -> tuple[Matrix | Vector | None, ...]:
    """Return PIQP's P, c, A, b, G, h_l, h_u, x_l and x_u over moving weights and then purchases of `both`."""
    goal, count, bought = form.goal, len(moving), len(sides.both)
    fixed = np.where(sides.free, 0.0, form.lower)
    root = form.root[moving]
    covariance = root @ root.T
    covariance.ravel()[:: count + 1] += form.specific_variances[moving]
    curvature = np.zeros((count + bought, count + bought))
    curvature[:count, :count] = goal.quadratic * covariance
    pull = (
        goal.quadratic * (root @ (form.root.T @ fixed)) - goal.linear[moving] + goal.purchase_cost * sides.buys[moving]
    )
    budget = np.zeros((1, count + bought))
    budget[0, :count] = 1.0
    unequal, right = _inequalities(form, sides, moving, fixed)
    return (
        curvature,
        np.concatenate([pull, np.full(bought, goal.purchase_cost)]),
        budget,
        np.array([1.0 - fixed.sum()]),
        unequal,
        None,
        right,
        np.concatenate([form.lower[moving], np.zeros(bought)]),
        np.concatenate([form.upper[moving], np.full(bought, np.inf)]),
    )


def _inequalities(form: StandardForm, sides: Sides, moving: np.ndarray, fixed: Vector) -> tuple[Matrix, Vector]:
    """Return the rows, the limit on purchases and w - p <= c of `both`, in this order."""
    m, count, bought = len(form.rows), len(moving), len(sides.both)
    width = count + bought
    unequal = np.zeros((m + 1 + bought, width))
    unequal[:m, :count] = form.row_matrix[:, moving]
    unequal[m, :count], unequal[m, count:] = sides.buys[moving], 1.0
    unequal[np.arange(m + 1, m + 1 + bought), sides.is_both[moving].nonzero()[0]] = 1.0
    unequal.ravel()[(m + 1) * width + count :: width + 1] = -1.0
    limits = form.row_limits - form.row_matrix @ fixed
    return unequal, np.concatenate([limits, [purchases_left(form, sides)], form.current[sides.both]])


def _solution(form: StandardForm, sides: Sides, moving: np.ndarray, result: Any) -> Solution:
    m, count, inequalities = len(form.rows), len(moving), result.z_u
    turnover = float(inequalities[m]) if form.has_purchases else 0.0
    purchases = sides.buys * (turnover + form.goal.purchase_cost)
    purchases[sides.both] = inequalities[m + 1 :]
    weights, lower, upper = form.lower.copy(), np.zeros(len(form.lower)), np.zeros(len(form.lower))
    weights[moving], lower[moving], upper[moving] = result.x[:count], result.z_bl[:count], result.z_bu[:count]
    return Solution(
        weights=weights,
        budget=float(result.y[0]),
        lower=lower,
        upper=upper,
        rows=inequalities[:m] * form.has_moving,
        purchases=purchases,
        turnover=turnover,
        volatility=0.0,
    )
