"""Estimates from past returns: covariance by five methods and expected returns by three, per year.

Covariances come in factor form, Sigma = root root' + diag(specific^2), positive semidefinite by construction.
Returns are daily, (t, n), one row a day; a year has 252 days, and days are taken to be independent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np

from services.optimizer.history import DAYS_PER_YEAR, History, Matrix, Vector
from services.optimizer.moments import ProductEstimates
from shared.errors import InvalidRequest

MIN_DAYS = 60
DEFAULT_HALF_LIFE_DAYS = 63.0
DEFAULT_MARKET_PREMIUM = 0.04
EXPLAINED_VARIANCE = 0.9
# Beyond this the inverse of a covariance says more about rounding than about risk.
_LARGEST_CONDITION = 1e12


class ReturnEstimator(Enum):
    """How expected returns are estimated."""

    HISTORICAL = "historical"
    JAMES_STEIN = "james-stein"
    CAPM = "capm"


class CovarianceEstimator(Enum):
    """How the covariance is estimated."""

    SAMPLE = "sample"
    EWMA = "ewma"
    LEDOIT_WOLF = "ledoit-wolf"
    OAS = "oas"
    FACTOR = "factor"


@dataclass(frozen=True)
class Estimation:
    """How estimates are made from prices.

    factor_count: 0 means as many as explain 0.9 of the variance.  window_days: latest returns used, 0 means all.
    """

    returns: ReturnEstimator = ReturnEstimator.HISTORICAL
    covariance: CovarianceEstimator = CovarianceEstimator.LEDOIT_WOLF
    half_life_days: float = DEFAULT_HALF_LIFE_DAYS
    factor_count: int = 0
    risk_free_rate: float = 0.0
    market_premium: float = DEFAULT_MARKET_PREMIUM
    window_days: int = 0


@dataclass(frozen=True, eq=False)
class FactorForm:
    """A covariance: root (n, k) and specific (n,), standard deviations; Sigma = root root' + diag(specific^2)."""

    root: Matrix
    specific: Vector

    def dense(self) -> Matrix:
        """Return Sigma, (n, n)."""
        return np.asarray(self.root @ self.root.T + np.diag(self.specific**2))


def estimated(history: History, currency: str, estimation: Estimation) -> ProductEstimates:
    """Return what these prices say about their products, per year.

    Raises InvalidRequest where the days are too few for the methods asked for.
    """
    returns = history.daily_returns()[-estimation.window_days :]
    if len(returns) < MIN_DAYS:
        raise InvalidRequest.of(
            "estimation.window_days",
            f"the products share {len(returns)} daily returns, expected at least {MIN_DAYS}; "
            "leave out the products with the shortest history",
        )
    covariance = covariance_of(returns, estimation)
    return ProductEstimates(
        currency=currency,
        product_ids=history.product_ids,
        expected=expected_of(returns, estimation),
        # Prices have paid the fund's fee already; the CAPM knows nothing of fees.
        is_after_fees=estimation.returns is not ReturnEstimator.CAPM,
        root=covariance.root * math.sqrt(DAYS_PER_YEAR),
        specific=covariance.specific * math.sqrt(DAYS_PER_YEAR),
        cash_return=estimation.risk_free_rate,
    )


def covariance_of(returns: Matrix, estimation: Estimation) -> FactorForm:
    """Return the daily covariance by the method asked for."""
    match estimation.covariance:
        case CovarianceEstimator.SAMPLE:
            return _whole(sample_covariance(returns))
        case CovarianceEstimator.EWMA:
            return _whole(ewma_covariance(returns, estimation.half_life_days))
        case CovarianceEstimator.LEDOIT_WOLF:
            return _shrunk(returns, ledoit_wolf_shrinkage(returns))
        case CovarianceEstimator.OAS:
            return _shrunk(returns, oas_shrinkage(returns))
        case CovarianceEstimator.FACTOR:
            return factor_covariance(returns, estimation.factor_count)


def expected_of(returns: Matrix, estimation: Estimation) -> Vector:
    """Return the expected yearly arithmetic returns, (n,), by the method asked for."""
    match estimation.returns:
        case ReturnEstimator.HISTORICAL:
            return np.asarray(returns.mean(axis=0) * DAYS_PER_YEAR)
        case ReturnEstimator.JAMES_STEIN:
            return np.asarray(bayes_stein_means(returns) * DAYS_PER_YEAR)
        case ReturnEstimator.CAPM:
            return np.asarray(estimation.risk_free_rate + market_betas(returns) * estimation.market_premium)


def sample_covariance(returns: Matrix) -> Matrix:
    """Return the unbiased sample covariance, (n, n)."""
    return np.atleast_2d(np.cov(returns, rowvar=False))


def ewma_covariance(returns: Matrix, half_life_days: float) -> Matrix:
    """Return the exponentially weighted covariance about a mean of zero, (n, n).

    The weight of a day halves every `half_life_days`; weights sum to one.
    Source: RiskMetrics Technical Document (1996), section 5.2.
    """
    age = np.arange(len(returns) - 1, -1, -1)
    weights = 0.5 ** (age / half_life_days)
    weighted = returns * (weights / weights.sum())[:, None]
    return np.asarray(weighted.T @ returns)


def ledoit_wolf_shrinkage(returns: Matrix) -> float:
    """Return the intensity of shrinkage towards the scaled identity, 0 to 1.

    Source: Ledoit and Wolf (2004), A well-conditioned estimator for large-dimensional covariance matrices, sec. 3.
    """
    days, count = returns.shape
    centred = returns - returns.mean(axis=0)
    sample = centred.T @ centred / days
    mean_variance = np.trace(sample) / count
    distance = float(np.sum((sample - mean_variance * np.eye(count)) ** 2))
    if distance == 0.0:
        return 1.0
    lengths = np.einsum("ij,ij->i", centred, centred)
    error = float((lengths @ lengths / days - np.sum(sample**2)) / days)
    return min(error, distance) / distance


def oas_shrinkage(returns: Matrix) -> float:
    """Return the oracle approximating intensity of shrinkage towards the scaled identity, 0 to 1.

    Source: Chen, Wiesel, Eldar and Hero (2010), Shrinkage algorithms for MMSE covariance estimation, eq. 23.
    """
    days, count = returns.shape
    centred = returns - returns.mean(axis=0)
    sample = centred.T @ centred / days
    trace, square = float(np.trace(sample)), float(np.sum(sample**2))
    numerator = (1.0 - 2.0 / count) * square + trace**2
    denominator = (days + 1.0 - 2.0 / count) * (square - trace**2 / count)
    return 1.0 if denominator <= 0.0 else min(numerator / denominator, 1.0)


def factor_covariance(returns: Matrix, factor_count: int) -> FactorForm:
    """Return the covariance of the largest principal components, plus on the diagonal what they leave unexplained."""
    sample = sample_covariance(returns)
    values, vectors = np.linalg.eigh(sample)
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    explained = np.cumsum(values) / max(float(values.sum()), np.finfo(float).tiny)
    count = factor_count or int(np.searchsorted(explained, EXPLAINED_VARIANCE)) + 1
    root = vectors[:, :count] * np.sqrt(values[:count])
    return FactorForm(root, np.sqrt(np.maximum(np.diag(sample) - np.einsum("ij,ij->i", root, root), 0.0)))


def bayes_stein_means(returns: Matrix) -> Vector:
    """Return daily means shrunk towards the mean of the least-variance portfolio, (n,).

    Raises InvalidRequest where the covariance has no inverse that can be trusted.
    Source: Jorion (1986), Bayes-Stein estimation for portfolio analysis, eq. 14 and 17.
    """
    days, count = returns.shape
    means = returns.mean(axis=0)
    sample = sample_covariance(returns)
    if days <= count + 2 or np.linalg.cond(sample) > _LARGEST_CONDITION:
        raise InvalidRequest.of(
            "estimation.returns",
            f"James-Stein needs more days than products plus two and products that differ; found {days} days and "
            f"{count} products; use the mean or leave out products",
        )
    inverse = np.linalg.inv(sample * (days - 1) / (days - count - 2))
    target = float(inverse.sum(axis=0) @ means / inverse.sum())
    distance = means - target
    shrinkage = (count + 2) / (count + 2 + days * float(distance @ inverse @ distance))
    return np.asarray(means - shrinkage * distance)


def market_betas(returns: Matrix) -> Vector:
    """Return the sensitivities to the market, (n,): the mean of all products stands for it. They average to one."""
    market = returns.mean(axis=1) - returns.mean()
    variance = float(market @ market)
    return np.ones(returns.shape[1]) if variance == 0.0 else np.asarray(returns.T @ market / variance)


def _whole(covariance: Matrix) -> FactorForm:
    values, vectors = np.linalg.eigh(covariance)
    return FactorForm(vectors * np.sqrt(np.maximum(values, 0.0)), np.zeros(len(covariance)))


def _shrunk(returns: Matrix, intensity: float) -> FactorForm:
    """Return (1 - intensity) S + intensity m I, with S the sample covariance that divides by the number of days."""
    count = returns.shape[1]
    centred = returns - returns.mean(axis=0)
    sample = centred.T @ centred / len(returns)
    specific = math.sqrt(intensity * float(np.trace(sample)) / count)
    return FactorForm(_whole((1.0 - intensity) * sample).root, np.full(count, specific))
