"""Sharpen a solver's solution: take its active limits as given and solve the optimality conditions by Newton.

Interior-point solvers stop near the optimum, with a little weight where there should be none. With the active
limits known, what is left is a small system of equations; two or three steps solve it to rounding. Whether the
guess of the active limits was right is for the certificate to say: this only proposes.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from services.optimizer.active_set import Active, Linear, active_limits, dearest_purchase, equations
from services.optimizer.certificate import gradient, holding_slope, volatility_of
from services.optimizer.factor_system import solved
from services.optimizer.moments import Matrix, Vector
from services.optimizer.standard_form import Solution, StandardForm

_STEPS = 4
# The last bits of a weight.
_SETTLED = 1e-14
# Dense systems grow with the cube of the number of products in play; beyond this a solver's own accuracy must do.
_LARGEST = 300


def refined(form: StandardForm, solution: Solution) -> Solution | None:
    """Return a sharper solution with the same active limits, or None where the system is too large or breaks down."""
    active = active_limits(form, solution)
    linear = equations(form, active)
    at = _snapped(form, solution, active)
    sharp = None if active.volatility else solved(form, at, active, linear)
    if sharp is None:
        sharp = _iterated(form, at, active, linear)
    if sharp is None or not math.isfinite(sharp.weights.sum()):
        return None
    return _with_reduced_costs(form, sharp, active)


def _iterated(form: StandardForm, at: Solution, active: Active, linear: Linear) -> Solution | None:
    """Return the solution after some steps with a dense system, which may be singular and differs from step to step."""
    if len(active.moving) > _LARGEST:
        return None
    try:
        for _ in range(_STEPS):
            before = at.weights
            at = _newton(form, at, active, linear)
            if np.abs(at.weights - before).max() < _SETTLED:
                break
    except np.linalg.LinAlgError:
        return None
    return at


def _snapped(form: StandardForm, solution: Solution, active: Active) -> Solution:
    weights = solution.weights.copy()
    for held, place in ((active.lower, form.lower), (active.upper, form.upper), (active.kept, form.current)):
        weights[held] = place[held]
    return replace(
        solution,
        weights=weights,
        rows=np.where(active.rows, solution.rows, 0.0),
        turnover=solution.turnover if active.turnover else 0.0,
        volatility=solution.volatility if active.volatility else 0.0,
    )


def _newton(form: StandardForm, at: Solution, active: Active, linear: Linear) -> Solution:
    """Return the solution after one step in the moving weights and the multipliers of the active limits."""
    at = replace(at, purchases=np.where(active.bought, dearest_purchase(form, at), 0.0))
    slope = gradient(form, at)[active.moving]
    border, gaps = _with_volatility(form, at, active, linear.matrix, linear.matrix @ at.weights - linear.right)
    change = _dense_step(_curvature(form, at, active.moving), border[:, active.moving], slope, gaps)
    count = len(active.moving)
    weights = at.weights.copy()
    weights[active.moving] += change[:count]
    multipliers, found = at.rows.copy(), int(active.rows.sum())
    multipliers[active.rows] += change[count + 1 : count + 1 + found]
    rest = change[count + 1 + found :]
    return replace(
        at,
        weights=weights,
        budget=at.budget + float(change[count]),
        rows=multipliers,
        turnover=at.turnover + (float(rest[0]) if active.turnover else 0.0),
        volatility=at.volatility + (float(rest[-1]) if active.volatility else 0.0),
    )


def _with_volatility(
    form: StandardForm, at: Solution, active: Active, border: Matrix, gaps: Vector
) -> tuple[Matrix, Vector]:
    """Return slopes and gaps of the active limits with those of the volatility limit, where it is active."""
    if not active.volatility or form.max_volatility is None:
        return border, gaps
    volatility = volatility_of(form, at.weights)
    slope = form.covariance_times(at.weights) / volatility
    return np.vstack([border, slope]), np.append(gaps, volatility - form.max_volatility)


def _dense_step(curvature: Matrix, border: Matrix, slope: Vector, gaps: Vector) -> Vector:
    system = np.block([[curvature, border.T], [border, np.zeros((len(border), len(border)))]])
    # Least squares, because limits may depend on each other and products may be copies of one another.
    return np.asarray(np.linalg.lstsq(system, -np.concatenate([slope, gaps]), rcond=1e-13)[0])


def _curvature(form: StandardForm, at: Solution, moving: np.ndarray) -> Matrix:
    root = form.root[moving]
    covariance = root @ root.T + np.diag(form.specific[moving] ** 2)
    if at.volatility == 0.0:
        return np.asarray(form.goal.quadratic * covariance)
    volatility = volatility_of(form, at.weights)
    risk = form.covariance_times(at.weights)[moving] / volatility
    bend = (covariance - np.outer(risk, risk)) / volatility
    return np.asarray(form.goal.quadratic * covariance + at.volatility * bend)


def _with_reduced_costs(form: StandardForm, solution: Solution, active: Active) -> Solution:
    """Return the solution with the multipliers of products, as stationarity demands them."""
    most = max(dearest_purchase(form, solution), 0.0)
    at_current = solution.weights == form.current
    slope = holding_slope(form, solution)
    # At the current weight any multiplier up to `most` will do; it takes what pulls upward.
    pulled = np.minimum(np.maximum(-slope, 0.0), most)
    purchases = np.where(at_current, pulled, np.where(solution.weights > form.current, most, 0.0))
    slope = slope + purchases
    return replace(
        solution,
        purchases=purchases,
        lower=np.where(active.lower, np.maximum(slope, 0.0), 0.0),
        upper=np.where(active.upper | ~form.is_free, np.maximum(-slope, 0.0), 0.0),
    )
