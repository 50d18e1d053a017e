"""What is made best, brought to the scale of the solver: variances and the objective of order one."""

from __future__ import annotations

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


Objective = MeanVarianceUtility | MinimumVariance | MaximumReturn | MostOf | FewestPurchases

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
    return float(np.sqrt(np.mean(moments.variances()))) or 1.0


def goal_of(objective: Objective, moments: Moments, scale: float) -> Goal:
    """Return the scaled goal. Expected returns are centred, which changes nothing for weights that sum to one."""
    count = len(moments.expected)
    match objective:
        case MeanVarianceUtility(risk_aversion):
            linear = _centred(moments.expected_net)
            # Whichever is larger, the price of variance or the range of returns, becomes one.
            unit = max(risk_aversion * scale**2, _reach(linear))
            return Goal(risk_aversion * scale**2 / unit, linear / unit, price=unit)
        case MinimumVariance():
            return Goal(1.0, np.zeros(count), price=2.0 * scale**2)
        case MaximumReturn():
            linear = _centred(moments.expected_net)
            reach = _reach(linear) or 1.0
            return Goal(_TIE_BREAK, linear / reach, price=reach)
        case MostOf(coefficients):
            return Goal(0.0, np.array(coefficients), price=1.0)
        case FewestPurchases():
            return Goal(0.0, np.zeros(count), price=1.0, purchase_cost=1.0)


def _centred(expected: Vector) -> Vector:
    return np.asarray(expected - 0.5 * (expected.max() + expected.min()))


def _reach(values: Vector) -> float:
    return float(np.abs(values).max())
