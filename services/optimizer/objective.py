"""What is made best, brought to the scale of the solver: variances and the objective of order one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from services.optimizer.moments import Moments, Vector


@dataclass(frozen=True)
class MeanVarianceUtility:
    """Maximise net expected return less half the risk aversion times the variance (Markowitz 1952)."""

    risk_aversion: float


@dataclass(frozen=True)
class MinimumVariance:
    """Minimise the variance."""


@dataclass(frozen=True)
class MaximumReturn:
    """Maximise net expected return; among nearly equal portfolios take the one of least variance."""


@dataclass(frozen=True)
class MostOf:
    """Maximise a linear measure of the weights, as far as the limits allow."""

    coefficients: tuple[float, ...]


@dataclass(frozen=True)
class FewestPurchases:
    """Minimise the share of the portfolio that has to be bought."""


@dataclass(frozen=True)
class TargetReturn:
    """Minimise the variance at a net expected return of at least this."""

    min_expected_return_net: float


@dataclass(frozen=True)
class TargetVolatility:
    """Maximise net expected return at a yearly volatility of at most this."""

    max_volatility: float


@dataclass(frozen=True)
class MaximumSharpe:
    """Maximise (net expected return - risk-free rate) / volatility (Sharpe 1966)."""

    risk_free_rate: float


@dataclass(frozen=True)
class MaximumDiversification:
    """Maximise the mean volatility over the volatility of the portfolio (Choueifaty and Coignard 2008)."""


@dataclass(frozen=True)
class MinimumTrackingError:
    """Minimise the variance of the difference to a benchmark, whose weights are in the order of the products."""

    benchmark: tuple[float, ...]


@dataclass(frozen=True)
class Tradeoff:
    """Maximise a linear measure of the weights less half the aversion times the variance."""

    coefficients: tuple[float, ...]
    aversion: float


@dataclass(frozen=True)
class RiskBudgeting:
    """Shares of the volatility, in the order of the products, each above zero, one in sum."""

    shares: tuple[float, ...]


@dataclass(frozen=True)
class EqualWeight:
    """The same weight for each product."""


@dataclass(frozen=True)
class InverseVolatility:
    """Weights in proportion to one over volatility."""


@dataclass(frozen=True)
class MinimumCvar:
    """Minimise the mean loss in the worst 1 - confidence of the scenarios (Rockafellar and Uryasev 2000)."""

    confidence: float


@dataclass(frozen=True)
class MeanCvarUtility:
    """Maximise net expected return less the risk aversion times the mean loss in the worst scenarios."""

    confidence: float
    risk_aversion: float


# What the standard form can state.
Objective = (
    MeanVarianceUtility | MinimumVariance | MaximumReturn | MostOf | FewestPurchases | MinimumTrackingError | Tradeoff
)
# What a request can ask for.
Wanted = (
    MeanVarianceUtility
    | MinimumVariance
    | MaximumSharpe
    | TargetReturn
    | TargetVolatility
    | MinimumCvar
    | MeanCvarUtility
    | RiskBudgeting
    | MinimumTrackingError
    | MaximumDiversification
    | EqualWeight
    | InverseVolatility
)

# Weight of the variance in a linear objective: it decides between portfolios whose expected returns differ by less
# than a hundred thousandth of the range of returns, and keeps the optimum unique.
_TIE_BREAK = 1e-5


@dataclass(frozen=True, eq=False)
class Goal:
    """Minimise quadratic / 2 * variance / scale^2 - linear' w + purchase_cost * purchases.

    price: what one unit of this objective is worth in units of the request's own objective.
    """

    quadratic: float
    linear: Vector
    price: float
    purchase_cost: float = 0.0


def variance_scale(moments: Moments) -> float:
    """Return the volatility that stands for one: the root of the mean variance of the products."""
    root, specific = moments.root, moments.specific
    return math.sqrt((np.vdot(root, root) + np.vdot(specific, specific)) / len(specific)) or 1.0


def goal_of(objective: Objective, moments: Moments, scale: float) -> Goal:
    """Return the scaled goal. Expected returns are centred, which changes nothing for weights that sum to one."""
    count = len(moments.expected)
    match objective:
        case MeanVarianceUtility(risk_aversion):
            return _tradeoff(moments.expected_net, risk_aversion, scale)
        case Tradeoff(coefficients, aversion):
            return _tradeoff(np.array(coefficients), aversion, scale)
        case MinimumVariance():
            return Goal(1.0, np.zeros(count), price=2.0 * scale**2)
        case MinimumTrackingError(benchmark):
            linear = _centred(moments.covariance_times(np.array(benchmark)) / scale**2)
            return Goal(1.0, linear, price=2.0 * scale**2)
        case MaximumReturn():
            linear = _centred(moments.expected_net)
            reach = _reach(linear) or 1.0
            return Goal(_TIE_BREAK, linear / reach, price=reach)
        case MostOf(coefficients):
            return Goal(0.0, np.array(coefficients), price=1.0)
        case FewestPurchases():
            return Goal(0.0, np.zeros(count), price=1.0, purchase_cost=1.0)


def _tradeoff(coefficients: Vector, aversion: float, scale: float) -> Goal:
    high, low = float(coefficients.max()), float(coefficients.min())
    # Whichever is larger, the price of variance or the range of returns, becomes one.
    unit = max(aversion * scale**2, 0.5 * (high - low))
    return Goal(aversion * scale**2 / unit, (coefficients - 0.5 * (high + low)) / unit, price=unit)


def _centred(expected: Vector) -> Vector:
    return np.asarray(expected - 0.5 * (expected.max() + expected.min()))


def _reach(values: Vector) -> float:
    return max(float(values.max()), -float(values.min()))
