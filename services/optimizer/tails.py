"""The mean loss in the worst scenarios, and the linear limits that say the same about it.

The mean loss beyond the quantile is the largest mean loss under any reweighting of the scenarios that gives none
more than 1 / ((1 - confidence) S) (Rockafellar and Uryasev 2002, Artzner et al. 1999). So a limit on it is as many
linear limits as there are such reweightings; few of them matter, and those are found one by one (Kuenzi-Bay and
Mayer 2006). A loss is positive.
"""

from __future__ import annotations

import numpy as np

from services.optimizer.constraints import Row
from services.optimizer.moments import Vector
from services.optimizer.problem import CvarLimit

MAX_CVAR = "limits.max_cvar"


def worst_mix(returns: Vector, confidence: float) -> Vector:
    """Return the share of each scenario, (S,), one in sum, in the mean of the worst 1 - confidence of `returns`."""
    count = len(returns)
    most = 1.0 / ((1.0 - confidence) * count)
    order = np.argsort(returns, kind="stable")
    shares = np.zeros(count)
    shares[order] = np.clip(1.0 - most * np.arange(count), 0.0, most)
    return shares


def mean_loss(returns: Vector, confidence: float) -> float:
    """Return the mean loss in the worst 1 - confidence of the scenarios' returns, (S,)."""
    return -float(worst_mix(returns, confidence) @ returns)


def cut(returns: np.ndarray, weights: Vector, limit: CvarLimit) -> Row:
    """Return the linear limit that the worst scenarios of these weights demand.

    returns: (S, n) by product.
    """
    return row_of(returns, worst_mix(returns @ weights, limit.confidence), limit)


def row_of(returns: np.ndarray, shares: Vector, limit: CvarLimit) -> Row:
    """Return the linear limit that one reweighting of the scenarios, (S,), demands."""
    most = 1.0 / ((1.0 - limit.confidence) * len(shares))
    # No share may be above what the definition allows, or the limit would ask for too much.
    shares = shares * min(1.0, most / float(shares.max()))
    missing = np.maximum(most - shares, 0.0)
    shares = shares + (1.0 - shares.sum()) * missing / (missing.sum() or 1.0)
    coefficients = -(returns.T @ shares)
    unit = float(np.abs(coefficients).max()) or 1.0
    return Row(MAX_CVAR, coefficients / unit, limit.max_loss / unit, unit=unit)
