"""When a back-test trades."""

from __future__ import annotations

from enum import Enum

import numpy as np

from services.optimizer.history import Days, Vector

DEFAULT_BAND = 0.05


class Rule(Enum):
    """The rules of the contract, by name."""

    MONTHLY = "MONTHLY"
    QUARTERLY = "QUARTERLY"
    YEARLY = "YEARLY"
    DRIFT = "DRIFT"
    NEVER = "NEVER"


_MONTHS = {Rule.MONTHLY: 1, Rule.QUARTERLY: 3, Rule.YEARLY: 12}


def is_calendar_day(rule: Rule, days: Days) -> np.ndarray:
    """Return for each day whether it is the first trading day of a period of the rule, (d,); the first day never is."""
    length = _MONTHS.get(rule)
    if length is None:
        return np.zeros(len(days), dtype=bool)
    periods = days.astype("datetime64[M]").astype(np.int64) // length
    return np.concatenate([[False], periods[1:] != periods[:-1]])


def drift(weights: Vector, target: Vector) -> float:
    """Return half the sum of absolute differences, with cash as one more position."""
    cash = abs(float(weights.sum() - target.sum()))
    return 0.5 * (float(np.abs(weights - target).sum()) + cash)
