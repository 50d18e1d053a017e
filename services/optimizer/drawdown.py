"""The deepest fall of a series of values from a peak before it."""

from __future__ import annotations

import numpy as np

from services.optimizer.history import History, Vector


def max_drawdown(values: Vector) -> float:
    """Return the largest fall from a peak as a fraction of the peak, at least 0; values (d,) above zero."""
    return float(np.max(1.0 - values / np.maximum.accumulate(values)))


def constant_mix(history: History, weights: Vector) -> Vector:
    """Return the worth, (d,), of one unit brought back to these weights, (n,), on every day; the first day is 1.

    What the weights lack to one lies still. Over days that are missing it is held as it is: no fall is lost.
    """
    return np.concatenate([[1.0], np.cumprod(1.0 + history.returns() @ weights)])
