"""Value at risk and its conditional mean, of a normal return and of a set of outcomes.

Everywhere: a loss is positive and a gain negative, as a fraction of the portfolio; the horizon is in years.
With L the loss and a the confidence, VaR is the smallest x with P(L <= x) >= a, and CVaR the mean of the worst
1 - a of the outcomes, the outcome on the border counted with the part that is missing.
Source: Rockafellar and Uryasev (2002), Conditional value-at-risk for general loss distributions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from statistics import NormalDist

import numpy as np

from services.optimizer.history import DAYS_PER_YEAR, History, Matrix, Vector

# With fewer outcomes the worst one per cent is not even one of them.
MIN_OUTCOMES = 100
# Against the last bit: 100 outcomes at 0.95 have 5 beyond, and 100 * 0.95 is 95 or a hair more.
_ROUNDING = 1e-9


class TailMethod(Enum):
    """How a tail was computed, by the contract's names."""

    NORMAL = "NORMAL"
    HISTORICAL = "HISTORICAL"
    SCENARIOS = "SCENARIOS"


@dataclass(frozen=True)
class TailRisk:
    """Losses beyond a confidence over a horizon; outcome_count is None for the normal distribution."""

    confidence: float
    horizon_years: float
    method: TailMethod
    value_at_risk: float
    conditional_value_at_risk: float
    outcome_count: int | None = None


def normal_tail(mean: float, volatility: float, confidence: float, horizon_years: float) -> TailRisk:
    """Return the tail of a normal return with this yearly mean and volatility, days independent of one another.

    Source: McNeil, Frey and Embrechts (2015), Quantitative Risk Management, examples 2.11 and 2.14.
    """
    standard = NormalDist()
    quantile = standard.inv_cdf(confidence)
    spread, drift = volatility * math.sqrt(horizon_years), mean * horizon_years
    value_at_risk = spread * quantile - drift
    beyond = spread * standard.pdf(quantile) / (1.0 - confidence) - drift
    return TailRisk(confidence, horizon_years, TailMethod.NORMAL, value_at_risk, beyond)


def outcome_tail(returns: Vector, confidence: float, horizon_years: float, method: TailMethod) -> TailRisk:
    """Return the tail of equally likely returns over the horizon, (outcomes,)."""
    losses = np.sort(-returns)
    count = len(losses)
    border = max(math.ceil(count * confidence - _ROUNDING) - 1, 0)
    value_at_risk = float(losses[border])
    # The mean excess over VaR, times the outcomes above it, over the outcomes that 1 - confidence stands for.
    excess = float(np.sum(losses[border + 1 :] - value_at_risk))
    beyond = value_at_risk + excess / (count * (1.0 - confidence))
    return TailRisk(confidence, horizon_years, method, value_at_risk, beyond, count)


def historical_outcomes(history: History, weights: Vector, horizon_years: float) -> Vector:
    """Return what the weights, bought and held, gained over each stretch of the horizon's length, (outcomes,)."""
    return np.asarray(gains_over(history, horizon_years) @ weights)


def gains_over(history: History, horizon_years: float) -> Matrix:
    """Return what each product gained over each stretch of the horizon's length, (outcomes, n), the latest last.

    Stretches begin on every day and so overlap: they are not independent, and long horizons have few that are.
    One that begins or ends on a day without prices is left out: with another end it would be longer than the horizon.
    """
    days = max(round(horizon_years * DAYS_PER_YEAR), 1)
    places = history.places
    ends = np.searchsorted(places, places + days)
    starts = np.flatnonzero(ends < len(places))
    starts = starts[places[ends[starts]] == places[starts] + days]
    return np.asarray(history.prices[ends[starts]] / history.prices[starts] - 1.0)
