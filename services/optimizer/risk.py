"""What to expect of a portfolio: return, volatility, a bad year, where the risk comes from, what it costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from services.optimizer.moments import Moments, Vector

CONFIDENCE = 0.95
HORIZON_YEARS = 1.0


@dataclass(frozen=True, eq=False)
class RiskAnalysis:
    """Fractions per year, in the base currency; contributions, (n,), sum to the volatility.

    cvar: mean loss in the worst 1 - CONFIDENCE of years, after fund fees; a loss is positive.
    """

    expected_return: float
    expected_return_net: float
    volatility: float
    cvar: float
    contributions: Vector
    expense_ratio: float


def analyse(weights: Vector, moments: Moments) -> RiskAnalysis:
    """Return the analysis of these weights, (n,), at most one in sum.

    What the weights lack to one is a deposit in the base currency: it earns the return of that currency's cash,
    moves with nothing and costs nothing. So the contributions of the products are all of the volatility.
    """
    deposit = max(1.0 - float(weights.sum()), 0.0)
    gross = float(weights @ moments.expected) + deposit * moments.cash_return
    expense_ratio = float(weights @ moments.fees)
    risk = moments.covariance_times(weights)
    volatility = math.sqrt(max(float(weights @ risk), 0.0))
    return RiskAnalysis(
        expected_return=gross,
        expected_return_net=gross - expense_ratio,
        volatility=volatility,
        cvar=normal_cvar(gross - expense_ratio, volatility),
        contributions=weights * risk / volatility if volatility > 0.0 else np.zeros(len(weights)),
        expense_ratio=expense_ratio,
    )


def normal_cvar(mean: float, volatility: float, confidence: float = CONFIDENCE) -> float:
    """Return the mean loss beyond the quantile of a normal yearly return; a loss is positive.

    Source: McNeil, Frey and Embrechts (2015), Quantitative Risk Management, example 2.14.
    """
    return volatility * _tail_mean(confidence) - mean


@lru_cache(maxsize=8)
def _tail_mean(confidence: float) -> float:
    """Return the mean of a standard normal beyond its quantile."""
    standard = NormalDist()
    return standard.pdf(standard.inv_cdf(confidence)) / (1.0 - confidence)
