"""The Newton system of a quadratic problem in factor form, eliminated down to factors and active limits.

    [D + V V'  E'] [x]     [slope]        D diagonal and positive, V: (moving, k), E: (limits, moving)
    [E         0 ] [l] = - [gaps ]

With z = V'x and M = [V E'] the products drop out: (M' D^-1 M + diag(I, 0)) (z, l) = M' D^-1 (-slope) + (0, gaps).
That costs moving x (k + limits)^2 in place of the cube of moving + limits. The steps after the first only remove
rounding.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.linalg import lapack

from services.optimizer.active_set import Active, Linear
from services.optimizer.moments import Vector
from services.optimizer.standard_form import Solution, StandardForm

# Own variances below this share of the largest one are too small to divide by.
_SMALLEST_SHARE = 1e-6
# A pivot below this share of its diagonal means that active limits depend on each other.
_SMALLEST_PIVOT = 1e-10
_STEPS = 4
# The last bits of a weight.
_SETTLED = 1e-14


def solved(form: StandardForm, at: Solution, active: Active, linear: Linear) -> Solution | None:
    """Return the solution with the moving weights and the multipliers of the active limits at the system's solution.

    None where this elimination is not safe.
    """
    moving = active.moving
    own = form.goal.quadratic * form.specific[moving] ** 2
    if not len(moving) or own.min() <= _SMALLEST_SHARE * own.max():
        return None
    border, root = linear.matrix[:, moving], form.root[moving]
    k, sides = root.shape[1], np.hstack([np.sqrt(form.goal.quadratic) * root, border.T])
    divided = sides / own[:, None]
    reduced = sides.T @ divided
    reduced.flat[: k * len(reduced) : len(reduced) + 1] += 1.0
    lower, failed = lapack.dpotrf(reduced, lower=1)
    if failed or np.any(np.diag(lower) ** 2 < _SMALLEST_PIVOT * np.diag(reduced)):
        return None
    weights, multipliers = at.weights.copy(), _multipliers(at, active)
    pull = form.goal.purchase_cost * active.bought[moving] - form.goal.linear[moving]
    for _ in range(_STEPS):
        common = form.goal.quadratic * (form.root.T @ weights)
        slope = root @ common + own * weights[moving] + pull + multipliers @ border
        right = -(slope @ divided)
        right[k:] += linear.matrix @ weights - linear.right
        found = lapack.dpotrs(lower, right, lower=1)[0]
        change = -slope / own - divided @ found
        weights[moving] += change
        multipliers += found[k:]
        if np.abs(change).max() < _SETTLED:
            break
    return _with_multipliers(at, active, weights, multipliers)


def _multipliers(at: Solution, active: Active) -> Vector:
    """Return those of the active limits, in the order of `equations`."""
    return np.concatenate([[at.budget], at.rows[active.rows], [at.turnover] if active.turnover else []])


def _with_multipliers(at: Solution, active: Active, weights: Vector, multipliers: Vector) -> Solution:
    rows, found = at.rows.copy(), int(active.rows.sum())
    rows[active.rows] = multipliers[1 : 1 + found]
    turnover = float(multipliers[-1]) if active.turnover else at.turnover
    return replace(at, weights=weights, budget=float(multipliers[0]), rows=rows, turnover=turnover)
