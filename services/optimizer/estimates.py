"""What a caller expects of the products, in place of a market snapshot: plain numbers in the order of the products."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Scenarios times products of one request; 100,000 scenarios over 100 products are 80 MB.
MAX_OUTCOMES = 10_000_000


@dataclass(frozen=True, eq=False)
class DenseCovariance:
    """A full covariance per year, (n, n), symmetric."""

    matrix: Array


@dataclass(frozen=True, eq=False)
class FactorCovariance:
    """Sigma = B F B' + diag(d) per year.

    loadings: B, (n, k).  factors: F, (k, k), symmetric.  specific_variances: d, (n,), at least zero.
    """

    loadings: Array
    factors: Array
    specific_variances: Array


@dataclass(frozen=True, eq=False)
class Scenarios:
    """Outcomes over the products, each equally likely.

    returns: (scenarios, n), fractions over `horizon_years`.
    """

    returns: Array
    horizon_years: float


@dataclass(frozen=True, eq=False)
class Views:
    """An equilibrium and what the caller thinks of it, for `black_litterman.posterior`.

    market_weights: (n,).  risk_aversion: of the market, above 0.  tau: uncertainty of the prior, above 0.
    picks: P, (views, n).  expected: Q, (views,).  confidences: (views,), above 0 up to 1.
    """

    market_weights: Array
    risk_aversion: float
    tau: float
    picks: Array
    expected: Array
    confidences: Array
    add_estimation_error: bool


@dataclass(frozen=True, eq=False)
class Estimates:
    """The caller's estimates; what is None follows from the rest, see `expectations.moments_of`."""

    expected_returns: Array | None = None
    covariance: DenseCovariance | FactorCovariance | None = None
    scenarios: Scenarios | None = None
    views: Views | None = None

    @property
    def has_covariance(self) -> bool:
        """Whether the caller says how the products move together; else the market snapshot does."""
        return self.covariance is not None or self.scenarios is not None
