"""The Newton system of a quadratic problem in factor form, eliminated down to factors and active limits.

    [D + V V'  E'] [x]     [slope]        D diagonal and positive, V: (moving, k), E: (limits, moving)
    [E         0 ] [l] = - [gaps ]

With z = V'x and M = [V E'] the products drop out: (M' D^-1 M + diag(I, 0)) (z, l) = M' D^-1 (-slope) + (0, gaps).
That costs moving x (k + limits)^2 in place of the cube of moving + limits. The steps after the first only remove
rounding.
"""

from __future__ import annotations

import math
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
# The system is linear, so an exact step would end it: what a step leaves is its length times what rounding makes of
# the smallest pivot, a millionth at worst. After a step this short that is in the last bits of a weight.
_SETTLED = 1e-8


def solved(form: StandardForm, at: Solution, active: Active, linear: Linear) -> Solution | None:
    """Return the solution with the moving weights and the multipliers of the active limits at the system's solution.

    None where this elimination is not safe.
    """
    moving, strength = active.moving, math.sqrt(form.goal.quadratic)
    own = form.goal.quadratic * form.specific_variances[moving]
    if not len(moving) or own.min() <= _SMALLEST_SHARE * own.max():
        return None
    border, root = linear.matrix[:, moving], strength * form.root
    k, sides = root.shape[1], np.concatenate([root[moving], border.T], axis=1)
    divided = sides / own[:, None]
    reduced = sides.T @ divided
    reduced.ravel()[: k * len(reduced) : len(reduced) + 1] += 1.0
    lower, failed = lapack.dpotrf(reduced, lower=1)
    if failed or (lower.diagonal() ** 2 < _SMALLEST_PIVOT * reduced.diagonal()).any():
        return None
    weights, multipliers = at.weights.copy(), _multipliers(at, active)
    pull = form.goal.purchase_cost * active.bought[moving] - form.goal.linear[moving]
    for _ in range(_STEPS):
        forces = np.concatenate([weights @ root, multipliers])
        slope = sides @ forces + own * weights[moving] + pull
        right = -(slope @ divided)
        right[k:] += linear.matrix @ weights - linear.right
        found = lapack.dpotrs(lower, right, lower=1)[0]
        change = -slope / own - divided @ found
        weights[moving] += change
        multipliers += found[k:]
        if abs(change).max() < _SETTLED:
            break
    return _with_multipliers(at, active, weights, multipliers)


def _multipliers(at: Solution, active: Active) -> Vector:
    """Return those of the active limits, in the order of `equations`."""
    return np.concatenate([[at.budget], at.rows[active.rows], [at.turnover] if active.turnover else []])


def _with_multipliers(at: Solution, active: Active, weights: Vector, multipliers: Vector) -> Solution:
    rows = np.zeros(len(at.rows))
    rows[active.rows] = multipliers[1 : len(multipliers) - active.turnover]
    turnover = float(multipliers[-1]) if active.turnover else at.turnover
    return replace(at, weights=weights, budget=float(multipliers[0]), rows=rows, turnover=turnover)
