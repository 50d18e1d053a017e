"""Log-normal months whose yearly arithmetic mean and volatility are the portfolio's.

A yearly return with mean m and standard deviation s is log-normal with log-variance v = ln(1 + s^2 / (1 + m)^2)
and log-mean ln(1 + m) - v / 2. Twelve independent months share both equally, so twelve months compounded have
the mean m and the deviation s exactly. Source: the moments of the log-normal distribution, Johnson, Kotz and
Balakrishnan (1994), Continuous Univariate Distributions 1, equations 14.8.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from services.optimizer.moments import Matrix, Moments, Vector

MONTHS_A_YEAR = 12


@dataclass(frozen=True, eq=False)
class LogNormal:
    """Mean and standard deviation of the logarithm of one plus each month's return, (months,) both."""

    drift: Vector
    deviation: Vector

    def growth(self, normals: Matrix) -> Matrix:
        """Return the growth of one unit in each month, (months, paths), from standard normals of that shape."""
        return np.exp(self.drift[:, None] + self.deviation[:, None] * normals)


def yearly_moments(weights: Vector, moments: Moments) -> tuple[float, float]:
    """Return mean, after fund fees, and standard deviation of the yearly return of these weights, (n,)."""
    return float(weights @ moments.expected_net), math.sqrt(max(moments.variance(weights), 0.0))


def monthly_log_moments(mean: float, volatility: float) -> tuple[float, float]:
    """Return drift and deviation of a month's log return; the mean must be above -1."""
    variance = math.log1p((volatility / (1.0 + mean)) ** 2)
    return (math.log1p(mean) - variance / 2.0) / MONTHS_A_YEAR, math.sqrt(variance / MONTHS_A_YEAR)
