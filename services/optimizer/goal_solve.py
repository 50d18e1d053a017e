"""The extra contribution that reaches a wanted probability, on the same paths that gave the probability.

On one path the worth at the end, with debts allowed on the way, is A + B x for x more paid in each month: A the
worth without it, B what one unit a month becomes. Withdrawals start after the last contribution, so a debt is
never paid back, and the path succeeds exactly where A + B x reaches the target: from x = (target - A) / B on.
The probability as a function of x is therefore the distribution of these numbers over the paths, and the wanted
extra contribution is its quantile: what a bisection on common random numbers would converge to, in one pass.
"""

from __future__ import annotations

import math

import numpy as np

from services.optimizer.moments import Vector

_CENTS = 100


def missing_contributions(target: float, balance: Vector, unit: Vector) -> Vector:
    """Return what each path lacks each month, (paths,); infinite where nothing paid in reaches the end."""
    short = target - balance
    limit = np.where(short > 0.0, np.inf, -np.inf)
    return np.divide(short, unit, out=limit, where=unit > 0.0)


def extra_contribution(missing: Vector, wanted: float, reached: float) -> float | None:
    """Return the least extra contribution with which the wanted share of paths succeeds, up to the next cent.

    0 where `reached`, the share without it, is enough; None where no contribution is.
    """
    if reached >= wanted:
        return 0.0
    enough = _least_count(wanted, len(missing))
    amount = float(np.partition(missing, enough - 1)[enough - 1])
    if not math.isfinite(amount):
        return None
    return max(math.ceil(amount * _CENTS), 0) / _CENTS


def _least_count(wanted: float, paths: int) -> int:
    """Return the least number of paths whose share, as it is reported, is the wanted one or more."""
    count = math.ceil(wanted * paths)
    # The product may be rounded up past a whole number, and the share then be reached with one path less.
    return count - 1 if count > 1 and (count - 1) / paths >= wanted else max(count, 1)
