"""A glide path: which portfolio is held in each month to come, and the returns that follow from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.optimizer.bootstrap import BlockBootstrap
from services.optimizer.expectations import moments_of
from services.optimizer.history import History, PricePanel
from services.optimizer.log_normal import LogNormal, monthly_log_moments, yearly_moments
from services.optimizer.moments import Market, Matrix, Moments
from services.optimizer.problem import Problem
from shared.errors import FieldViolation, InvalidRequest, UnsupportedCombination

# Outside of this a portfolio is a slip of the percent sign, and 60 years of it would leave the range of numbers.
_LEAST_MEAN, _LARGEST_MEAN, _LARGEST_VOLATILITY = -0.9, 10.0, 5.0
# Two years: less hardly holds a spell of bad months, and blocks of a year would repeat it whole.
LEAST_PAST_MONTHS = 24


@dataclass(frozen=True, eq=False)
class GlidePath:
    """Portfolios over time, each rebalanced monthly to its weights.

    first_months: (steps,), from which month on, the first 0, increasing.  weights: (steps, n), rows sum to one.
    """

    first_months: tuple[int, ...]
    weights: Matrix

    def steps(self, months: int) -> NDArray[np.int64]:
        """Return which step holds in each month, (months,)."""
        return np.searchsorted(np.array(self.first_months), np.arange(months), side="right") - 1


@dataclass(frozen=True, eq=False)
class AssumedReturns:
    """Log-normal returns from a market's or the caller's estimates; what is costly to compute waits for a worker."""

    glide: GlidePath
    problem: Problem
    market: Market

    def log_normal(self, months: int) -> LogNormal:
        """Return the months. Raises InvalidRequest for estimates that cannot be used."""
        return log_normal_months(self.glide, months, moments_of(self.problem, self.market))


def log_normal_months(glide: GlidePath, months: int, moments: Moments) -> LogNormal:
    """Return log-normal months with each portfolio's mean, after fund fees, and volatility.

    Raises InvalidRequest for a portfolio whose moments no fund has.
    """
    violations, logs = [], []
    for position, weights in enumerate(glide.weights):
        mean, volatility = yearly_moments(weights, moments)
        if _LEAST_MEAN <= mean <= _LARGEST_MEAN and volatility <= _LARGEST_VOLATILITY:
            logs.append(monthly_log_moments(mean, volatility))
        else:
            violations.append(_out_of_range(position, mean, volatility))
    if violations:
        raise InvalidRequest(violations)
    drift, deviation = np.array(logs)[glide.steps(months)].T
    return LogNormal(drift, deviation)


def bootstrap_months(
    glide: GlidePath, months: int, product_ids: Sequence[str], panel: PricePanel, block_months: float
) -> BlockBootstrap:
    """Return blocks of the past months in which every product that is ever held has prices.

    Raises UnsupportedCombination without prices of a product, with too few months in common or a gap in them.
    """
    held = [int(column) for column in np.flatnonzero(glide.weights.any(axis=0))]
    names = [product_ids[column] for column in held]
    if missing := sorted(set(names) - set(panel.product_ids)):
        raise UnsupportedCombination(
            f"the market snapshot holds no prices of {', '.join(missing[:10])}; leave out, or use log-normal"
        )
    history = panel.history(names)
    past = history.monthly_returns()
    if len(past) < LEAST_PAST_MONTHS:
        raise UnsupportedCombination(
            f"the products share {len(past)} whole months of prices, the block bootstrap needs {LEAST_PAST_MONTHS}; "
            "leave out the youngest, or use log-normal"
        )
    _refuse_gaps(history)
    return BlockBootstrap(past @ glide.weights[:, held].T, glide.steps(months), block_months)


def _refuse_gaps(history: History) -> None:
    """Raise UnsupportedCombination where a month without a price would make one return of several months."""
    months = np.unique(history.dates.astype("datetime64[M]"))
    gaps = np.flatnonzero(np.diff(months) > np.timedelta64(1, "M"))
    if gaps.size:
        raise UnsupportedCombination(
            f"the products share no price in the month after {months[gaps[0]]}; mend the prices, or use log-normal"
        )


def _out_of_range(position: int, mean: float, volatility: float) -> FieldViolation:
    return FieldViolation(
        f"glide_path[{position}].weights",
        f"give an expected return of {mean:g} and a volatility of {volatility:g}, expected {_LEAST_MEAN:g} to "
        f"{_LARGEST_MEAN:g} and at most {_LARGEST_VOLATILITY:g}; correct the products' exposures",
    )
