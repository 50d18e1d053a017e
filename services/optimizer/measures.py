"""The curved limits of a request: on the volatility, the tracking error and the loss in the worst scenarios."""

from __future__ import annotations

from dataclasses import dataclass

from services.optimizer.problem import CvarLimit, Limits, TrackingErrorLimit
from services.optimizer.tails import MAX_CVAR
from services.optimizer.within import TRACKING_ERROR

# What a solver's rounding may add to the least value of a curved measure, as a share of it.
MEASURE_SLACK = 1e-6


@dataclass(frozen=True)
class Measure:
    """A curved limit of the request: on the volatility, or what `tracking` or `cvar` say."""

    field: str
    limit: float
    tracking: TrackingErrorLimit | None = None
    cvar: CvarLimit | None = None


def measures_of(limits: Limits) -> list[Measure]:
    """Return the curved limits of a request."""
    found = []
    if limits.max_volatility is not None:
        found.append(Measure(limits.volatility_field, limits.max_volatility))
    if limits.tracking_error is not None:
        tracking = limits.tracking_error
        found.append(Measure(TRACKING_ERROR, tracking.max_tracking_error, tracking=tracking))
    if limits.max_cvar is not None:
        found.append(Measure(MAX_CVAR, limits.max_cvar.max_loss, cvar=limits.max_cvar))
    return found


def is_above(value: float, measure: Measure) -> bool:
    """Return whether the value is above the limit by more than rounding."""
    return value > measure.limit + abs(measure.limit) * MEASURE_SLACK
