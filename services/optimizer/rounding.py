"""Bounds that a caller can read and use: rounded to a millionth, on the looser side."""

from __future__ import annotations

import math

# Relaxed bounds are rounded outward to this, so that the result is feasible and can be read.
STEP = 1e-6
_DECIMALS = 6
# A bound this close to a multiple of STEP, in steps, is that multiple.
_ROUNDING = 1e-3


def outward(bound: float, is_lower: bool) -> float:
    """Round to STEP on the looser side; a bound that is a multiple of STEP already stays."""
    steps = math.floor(bound / STEP + _ROUNDING) if is_lower else math.ceil(bound / STEP - _ROUNDING)
    return round(steps * STEP, _DECIMALS) + 0.0
