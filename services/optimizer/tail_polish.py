"""The shares of the worst scenarios at the optimum, to rounding, from a solver's optimum.

What binds is told from multiplier against slack, as for the other limits: scenarios wholly in the tail have the
largest share, those on its edge lose the same and share what is left. With that known, the optimality conditions are
linear in the moving weights, the edge's loss, its scenarios' multipliers and the prices of limits: one system.
"""

from __future__ import annotations

import numpy as np

from services.optimizer.active_set import active_limits, equations
from services.optimizer.moments import Matrix, Vector
from services.optimizer.problem import CvarLimit
from services.optimizer.standard_form import StandardForm
from services.optimizer.tail_quadratic import Tail

# Multipliers of the edge may come out below zero by as much: they are cut there.
_ROUNDING = 1e-7
_SETTLED = 1e-9


def polished_shares(form: StandardForm, returns: Matrix, limit: CvarLimit, tail: Tail) -> Vector | None:
    """Return the shares, (S,), one in sum, or None where the guess of what binds was wrong.

    returns: (S, n).
    """
    most = 1.0 / ((1.0 - limit.confidence) * len(returns))
    losses = -returns[tail.joined] / tail.unit
    slack = tail.level + tail.excess - losses @ tail.solution.weights
    inside = tail.excess > most * tail.price - tail.pulls
    edge = ~inside & (tail.pulls > slack)
    found = _solved(form, tail, losses[inside].sum(axis=0) * most, losses[edge], limit.max_loss, most * inside.sum())
    if found is None:
        return None
    pulls, price = found
    shares = np.zeros(len(returns))
    if not price > 0.0 or pulls.min(initial=0.0) < -_ROUNDING or pulls.max(initial=0.0) > most * price + _ROUNDING:
        return None
    shares[tail.joined[inside]] = most
    shares[tail.joined[edge]] = np.clip(pulls / price, 0.0, most)
    return shares


def _solved(
    form: StandardForm, tail: Tail, inside: Vector, edge: Matrix, max_loss: float, taken: float
) -> tuple[Vector, float] | None:
    """Return the multipliers of the edge's scenarios and of the limit.

    inside: loss of what is wholly in the tail, weighted, (n,).  edge: losses, (edge, n).  taken: the former's share.
    """
    active = active_limits(form, tail.solution)
    linear, moving = equations(form, active), active.moving
    w = np.where(active.lower, form.lower, np.where(active.upper, form.upper, form.current))
    w[moving] = 0.0
    count, limits = len(moving), len(linear.right)
    # One column more, for the loss at the edge.
    border = np.zeros((limits + len(edge) + 1, count + 1))
    rows = np.vstack([linear.matrix, edge, inside])
    border[:, :-1] = rows[:, moving]
    border[limits:-1, -1], border[-1, -1] = -1.0, 1.0 - taken
    right = np.concatenate([linear.right, np.zeros(len(edge)), [max_loss / tail.unit]]) - rows @ w
    root = form.root[moving]
    system = np.zeros((count + 1 + len(border),) * 2)
    system[:count, :count] = form.goal.quadratic * (root @ root.T + np.diag(form.specific_variances[moving]))
    system[count + 1 :, : count + 1], system[: count + 1, count + 1 :] = border, border.T
    slope = form.goal.quadratic * form.covariance_times(w) - form.goal.linear + form.goal.purchase_cost * active.bought
    found = _least_squares(system, np.concatenate([-slope[moving], [0.0], right]))
    return None if found is None else (found[count + 1 + limits : -1], float(found[-1]))


def _least_squares(system: Matrix, right: Vector) -> Vector | None:
    """Return a solution of square equations that may depend on each other, None where they contradict each other."""
    try:
        found = np.linalg.solve(system, right)
    except np.linalg.LinAlgError:
        found = np.full(len(right), np.nan)
    if not np.abs(system @ found - right).max() <= _SETTLED:
        found = np.linalg.lstsq(system, right, rcond=1e-13)[0]
    return np.asarray(found) if np.abs(system @ found - right).max() <= _SETTLED else None
