"""Sharpen a solver's solution: take its active limits as given and solve the optimality conditions by Newton.

Interior-point solvers stop near the optimum, with a little weight where there should be none. With the active
limits known, what is left is a small system of equations; two or three steps solve it to rounding. Whether the
guess of the active limits was right is for the certificate to say: this only proposes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from services.optimizer.certificate import gradient, volatility_of
from services.optimizer.constraints import limits_of, matrix_of
from services.optimizer.moments import Matrix, Vector
from services.optimizer.standard_form import Solution, StandardForm

Mask = np.ndarray
_STEPS = 4
# The last bits of a weight.
_SETTLED = 1e-14
# Dense systems grow with the cube of the number of products in play; beyond this a solver's own accuracy must do.
_LARGEST = 300


@dataclass(frozen=True, eq=False)
class _Active:
    """Which limits hold with equality: products at a bound or at their current weight, rows, the two scalar ones."""

    lower: Mask
    upper: Mask
    kept: Mask
    bought: Mask
    rows: Mask
    turnover: bool
    volatility: bool

    @property
    def moving(self) -> Mask:
        """The products whose weight is still to be found."""
        return ~(self.lower | self.upper | self.kept)


def refined(form: StandardForm, solution: Solution) -> Solution | None:
    """Return a sharper solution with the same active limits, or None where the system is too large or breaks down."""
    active = _active(form, solution)
    moving = np.flatnonzero(active.moving)
    if len(moving) > _LARGEST:
        return None
    current = _snapped(form, solution, active)
    try:
        for _ in range(_STEPS):
            before = current.weights
            current = _newton(form, current, active, moving)
            if np.abs(current.weights - before).max() < _SETTLED:
                break
    except np.linalg.LinAlgError:
        return None
    return _with_reduced_costs(form, current, active) if np.all(np.isfinite(current.weights)) else None


def _active(form: StandardForm, solution: Solution) -> _Active:
    """Return the limits whose multiplier is larger than their slack."""
    w, n = solution.weights, len(solution.weights)
    turnover = bool(form.max_turnover is not None and solution.turnover > form.max_turnover - _bought(form, w))
    fixed = ~form.is_free
    lower = fixed | (solution.lower > w - form.lower)
    upper = ~lower & (solution.upper > form.upper - w)
    most = _dearest_purchase(form, solution)
    pull = np.minimum(solution.purchases, most - solution.purchases)
    kept = ~lower & ~upper & (pull > np.abs(w - form.current)) & form.has_purchases
    return _Active(
        lower=lower,
        upper=upper,
        kept=kept,
        bought=(w > form.current) & ~kept,
        rows=solution.rows > limits_of(form.rows) - matrix_of(form.rows, n) @ w,
        turnover=turnover,
        volatility=form.max_volatility is not None
        and solution.volatility > form.max_volatility - volatility_of(form, w),
    )


def _snapped(form: StandardForm, solution: Solution, active: _Active) -> Solution:
    w = np.where(active.lower, form.lower, np.where(active.upper, form.upper, solution.weights))
    return replace(
        solution,
        weights=np.where(active.kept, form.current, w),
        rows=np.where(active.rows, solution.rows, 0.0),
        turnover=solution.turnover if active.turnover else 0.0,
        volatility=solution.volatility if active.volatility else 0.0,
    )


def _newton(form: StandardForm, at: Solution, active: _Active, moving: np.ndarray) -> Solution:
    """Return the solution after one step in the moving weights and the multipliers of the active limits."""
    at = replace(at, purchases=np.where(active.bought, _dearest_purchase(form, at), 0.0))
    border, gaps = _border(form, at, active)
    border = border[:, moving]
    curvature = _curvature(form, at, moving)
    count = len(moving)
    system = np.block([[curvature, border.T], [border, np.zeros((len(border), len(border)))]])
    slope = gradient(form, at)[moving]
    # Least squares, because limits may depend on each other and products may be copies of one another.
    step = np.linalg.lstsq(system, -np.concatenate([slope, gaps]), rcond=1e-13)[0]
    weights = at.weights.copy()
    weights[moving] += step[:count]
    budget, rows, rest = np.split(step[count:], [1, 1 + int(active.rows.sum())])
    multipliers = at.rows.copy()
    multipliers[active.rows] += rows
    return replace(
        at,
        weights=weights,
        budget=at.budget + float(budget[0]),
        rows=multipliers,
        turnover=at.turnover + (float(rest[0]) if active.turnover else 0.0),
        volatility=at.volatility + (float(rest[-1]) if active.volatility else 0.0),
    )


def _border(form: StandardForm, at: Solution, active: _Active) -> tuple[Matrix, Vector]:
    """Return the slopes of the active limits, (limits, n), and how far each is from equality, (limits,)."""
    w = at.weights
    rows = [row for row, is_active in zip(form.rows, active.rows, strict=True) if is_active]
    matrix = matrix_of(rows, len(w))
    slopes, gaps = [np.ones((1, len(w))), matrix], [np.array([w.sum() - 1.0]), matrix @ w - limits_of(rows)]
    if active.turnover and form.max_turnover is not None:
        slopes.append(active.bought[None, :].astype(float))
        gaps.append(np.array([(w - form.current)[active.bought].sum() - form.max_turnover]))
    if active.volatility and form.max_volatility is not None:
        volatility = volatility_of(form, w)
        slopes.append(form.covariance_times(w)[None, :] / volatility)
        gaps.append(np.array([volatility - form.max_volatility]))
    return np.vstack(slopes), np.concatenate(gaps)


def _curvature(form: StandardForm, at: Solution, moving: np.ndarray) -> Matrix:
    root = form.root[moving]
    covariance = root @ root.T + np.diag(form.specific[moving] ** 2)
    if at.volatility == 0.0:
        return np.asarray(form.goal.quadratic * covariance)
    volatility = volatility_of(form, at.weights)
    risk = form.covariance_times(at.weights)[moving] / volatility
    bend = (covariance - np.outer(risk, risk)) / volatility
    return np.asarray(form.goal.quadratic * covariance + at.volatility * bend)


def _with_reduced_costs(form: StandardForm, solution: Solution, active: _Active) -> Solution:
    """Return the solution with the multipliers of products, as stationarity demands them."""
    most = max(_dearest_purchase(form, solution), 0.0)
    at_current = solution.weights == form.current
    purchases = np.where(solution.weights > form.current, most, 0.0)
    slope = gradient(form, replace(solution, purchases=np.zeros(len(purchases))))
    # At the current weight any multiplier up to `most` will do; it takes what pulls upward.
    purchases = np.where(at_current, np.clip(-slope, 0.0, most), purchases)
    slope = slope + purchases
    return replace(
        solution,
        purchases=purchases,
        lower=np.where(active.lower, np.maximum(slope, 0.0), 0.0),
        upper=np.where(active.upper | ~form.is_free, np.maximum(-slope, 0.0), 0.0),
    )


def _dearest_purchase(form: StandardForm, solution: Solution) -> float:
    """Return the multiplier of a purchase that is made: its cost and its share of the turnover limit's price."""
    return solution.turnover + form.goal.purchase_cost if form.has_purchases else 0.0


def _bought(form: StandardForm, weights: Vector) -> float:
    return float(np.maximum(weights - form.current, 0.0).sum())
