"""The linear limit that stands for a limit on the worst scenarios at the optimum: from the whole convex program.

Linear limits found one by one settle slowly where the limit is close to the least loss there is. The multipliers of
the scenarios in Rockafellar and Uryasev's program are the reweighting that matters; what comes out is a linear limit
that holds for any reweighting, exact or not, so an inaccurate solver costs steps and never correctness.
"""

from __future__ import annotations

import numpy as np

from services.optimizer.cone_limits import Deviation, Loss
from services.optimizer.cone_program import given_way
from services.optimizer.constraints import Row
from services.optimizer.moments import Matrix, Vector
from services.optimizer.problem import CvarLimit, TrackingErrorLimit
from services.optimizer.standard_form import StandardForm
from services.optimizer.tail_polish import polished_shares
from services.optimizer.tail_quadratic import quadratic_tail
from services.optimizer.tails import row_of
from shared.errors import SolutionRefused


def seed(
    form: StandardForm,
    returns: Matrix,
    limit: CvarLimit,
    near: Vector,
    lowest: Vector,
    tracking: TrackingErrorLimit | None = None,
) -> Row | None:
    """Return the linear limit, or None where the solver finds no optimum.

    returns: (S, n).  near, lowest: weights without the limit and of least loss, (n,): what is bad for them may matter.
    """
    if form.max_volatility is not None or tracking is not None:
        return _within_cones(form, returns, limit, (near, lowest), tracking)
    tail = quadratic_tail(form, returns, limit, (near, lowest))
    if tail is None:
        return None
    shares = polished_shares(form, returns, limit, tail)
    if shares is None:
        shares = np.zeros(len(returns))
        shares[tail.joined] = np.maximum(tail.pulls, 0.0)
    return row_of(returns, shares / shares.sum(), limit) if shares.sum() > 0.0 else None


def _within_cones(
    form: StandardForm,
    returns: Matrix,
    limit: CvarLimit,
    near: tuple[Vector, ...],
    tracking: TrackingErrorLimit | None,
) -> Row | None:
    cones = []
    if form.max_volatility is not None:
        cones.append(Deviation(form.max_volatility, np.zeros(len(form.lower))))
    if tracking is not None:
        cones.append(Deviation(tracking.max_tracking_error / form.scale, np.array(tracking.benchmark)))
    try:
        found = given_way(form, [Loss(limit.max_loss, limit.confidence, returns), *cones], near, has_goal=True)
    except SolutionRefused:
        return None
    return None if found is None or found.shares is None else row_of(returns, found.shares, limit)
