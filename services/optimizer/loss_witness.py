"""A portfolio that keeps a limit on the loss, looked for near another one; finding it spares a linear program.

In a deletion filter most questions are about the limits of the question before but for one. Near the least loss under
those, the weight that the missing limit held in place moves to another product, and often that is enough.
"""

from __future__ import annotations

import numpy as np

from services.optimizer.moments import Matrix, Vector
from services.optimizer.problem import CvarLimit
from services.optimizer.standard_form import StandardForm
from services.optimizer.tails import worst_mix

_MOVES = 8
# Products that give and that take, those with the most to gain.
_PAIRS = 16
_ROUNDING = 1e-9


def loss_witness(form: StandardForm, near: Vector, returns: Matrix, limit: CvarLimit) -> Vector | None:
    """Return weights, (n,), that obey the form's limits and keep the loss; None where none were found.

    near: weights, (n,).  returns: (S, n).  Finding none proves nothing.
    """
    if not _obeys(form, near):
        return None
    weights = near
    for _ in range(_MOVES):
        outcomes = returns @ weights
        shares = worst_mix(outcomes, limit.confidence)
        if -float(shares @ outcomes) <= limit.max_loss:
            return weights
        moved = _moved(form, weights, slopes=-(returns.T @ shares))
        if moved is None:
            return None
        weights = moved
    return None


def _moved(form: StandardForm, weights: Vector, slopes: Vector) -> Vector | None:
    """Return the weights after the move between two products that gains most at these slopes of the loss, (n,)."""
    down, up = weights - form.lower, form.upper - weights
    givers = _best(np.where(down > _ROUNDING, slopes, -np.inf))
    takers = _best(np.where(up > _ROUNDING, -slopes, -np.inf))
    amounts = np.minimum.outer(down[givers], up[takers])
    gains = np.subtract.outer(slopes[givers], slopes[takers]) * amounts
    for place in np.argsort(-gains, axis=None):
        giver, taker = np.unravel_index(place, gains.shape)
        if gains[giver, taker] <= _ROUNDING:
            return None
        moved = weights.copy()
        moved[givers[giver]] -= amounts[giver, taker]
        moved[takers[taker]] += amounts[giver, taker]
        if _obeys(form, moved):
            return moved
    return None


def _best(values: Vector) -> np.ndarray:
    order = np.argsort(-values)[:_PAIRS]
    return np.asarray(order[values[order] > -np.inf])


def _obeys(form: StandardForm, weights: Vector) -> bool:
    if (weights < form.lower - _ROUNDING).any() or (weights > form.upper + _ROUNDING).any():
        return False
    if form.rows and (form.row_matrix @ weights > form.row_limits + _ROUNDING).any():
        return False
    bought = float(np.maximum(weights - form.current, 0.0).sum())
    return form.max_turnover is None or bought <= form.max_turnover + _ROUNDING
