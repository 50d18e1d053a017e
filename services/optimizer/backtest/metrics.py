"""Standard figures of a series of daily values; fractions, 252 days a year.

Where days of the price table are missing, the value moves over several of them at once. Such a move counts in the
yearly return, which is taken over all the days that passed, and in the largest fall, and not among daily returns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from services.optimizer.drawdown import max_drawdown
from services.optimizer.history import DAYS_PER_YEAR, Days, Rows, Vector
from services.optimizer.tail_risk import TailMethod, outcome_tail

_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Metrics:
    """The figures of the contract; a ratio whose denominator is zero is 0."""

    annual_return: float
    annual_volatility: float
    sharpe_ratio: float
    sortino_ratio: float
    max_drawdown: float
    calmar_ratio: float
    daily_cvar95: float
    positive_months: float


def metrics_of(days: Days, steps: Rows, values: Vector, cash_return: float) -> Metrics:
    """Return the figures of values (d,).

    steps: (d - 1,), days of the table from each value to the next, at least two of them 1.
    The downside deviation counts days below the daily cash return, all days in the mean (Sortino and Price 1994).
    """
    returns = _daily(values, steps)
    years = int(steps.sum()) / DAYS_PER_YEAR
    annual_return = float((values[-1] / values[0]) ** (1.0 / years) - 1.0)
    volatility = float(returns.std(ddof=1)) * math.sqrt(DAYS_PER_YEAR)
    excess = float(returns.mean()) * DAYS_PER_YEAR - cash_return
    below = np.minimum(returns - cash_return / DAYS_PER_YEAR, 0.0)
    downside = math.sqrt(float(np.mean(below**2)) * DAYS_PER_YEAR)
    fall = max_drawdown(values)
    tail = outcome_tail(returns, _CONFIDENCE, 1.0 / DAYS_PER_YEAR, TailMethod.HISTORICAL)
    return Metrics(
        annual_return=annual_return,
        annual_volatility=volatility,
        sharpe_ratio=_ratio(excess, volatility),
        sortino_ratio=_ratio(excess, downside),
        max_drawdown=fall,
        calmar_ratio=_ratio(annual_return, fall),
        daily_cvar95=tail.conditional_value_at_risk,
        positive_months=_positive_months(days, values),
    )


def active_figures(steps: Rows, values: Vector, benchmark: Vector) -> tuple[float, float]:
    """Return the yearly tracking error and the information ratio of values against a benchmark's; see `metrics_of`."""
    difference = _daily(values, steps) - _daily(benchmark, steps)
    tracking_error = float(difference.std(ddof=1)) * math.sqrt(DAYS_PER_YEAR)
    return tracking_error, _ratio(float(difference.mean()) * DAYS_PER_YEAR, tracking_error)


def _daily(values: Vector, steps: Rows) -> Vector:
    return np.asarray((values[1:] / values[:-1] - 1.0)[steps == 1])


def _positive_months(days: Days, values: Vector) -> float:
    """Return the share of calendar months with a gain, begun and unfinished ones included."""
    months = days.astype("datetime64[M]")
    ends = np.append(np.flatnonzero(months[1:] != months[:-1]), len(days) - 1)
    marks = values[np.concatenate([[0], ends[ends > 0]])]
    return float(np.mean(marks[1:] > marks[:-1]))


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0.0 else 0.0
