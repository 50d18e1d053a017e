"""Optima against results that were printed with their inputs; docs/optimizer/sources.md says how each was checked."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm, qmc

from services.optimizer.answers import Portfolio
from services.optimizer.estimates import DenseCovariance, Estimates, Scenarios
from services.optimizer.objective import MeanVarianceUtility, MinimumVariance, TargetReturn, Wanted
from services.optimizer.problem import CvarLimit, Limits, Problem
from services.optimizer.tail_risk import normal_tail
from tests.unit.optimizer.builders import best, dense_market, products

# Rockafellar and Uryasev (2000), tables 1 and 2: S&P 500, long government bonds, small companies; by month.
RU_MEANS = [0.0101110, 0.0043532, 0.0137058]
RU_COVARIANCE = [
    [0.00324625, 0.00022983, 0.00420395],
    [0.00022983, 0.00049937, 0.00019247],
    [0.00420395, 0.00019247, 0.00764097],
]
# Section 3: the least expected return.
RU_RETURN = 0.011
# Zivot, Introduction to Computational Finance and Financial Econometrics with R, table 12.1: Microsoft, Nordstrom,
# Starbucks; by month.
ZIVOT_MEANS = [0.0427, 0.0015, 0.0285]
ZIVOT_COVARIANCE = [[0.0100, 0.0018, 0.0011], [0.0018, 0.0109, 0.0026], [0.0011, 0.0026, 0.0199]]


def _rockafellar_uryasev() -> Portfolio:
    return best(Problem("USD", products(3)), dense_market(RU_MEANS, RU_COVARIANCE), TargetReturn(RU_RETURN))


def test_table_3_of_rockafellar_and_uryasev_is_reproduced() -> None:
    found = _rockafellar_uryasev()

    # The weights move by 2e-6 within the rounding of the inputs to eight digits.
    assert found.weights == pytest.approx([0.452013, 0.115573, 0.432414], abs=3e-6)
    assert found.analysis.volatility**2 == pytest.approx(0.00378529, abs=5e-9)


@pytest.mark.parametrize(
    ("confidence", "value_at_risk", "conditional"),
    [(0.90, 0.067847, 0.096975), (0.95, 0.090200, 0.115908), (0.99, 0.132128, 0.152977)],
)
def test_table_4_of_rockafellar_and_uryasev_is_reproduced(
    confidence: float, value_at_risk: float, conditional: float
) -> None:
    analysis = _rockafellar_uryasev().analysis

    tail = normal_tail(analysis.expected_return_net, analysis.volatility, confidence, 1.0)

    # A unit of the last printed digit, for the rounding of the inputs.
    assert tail.value_at_risk == pytest.approx(value_at_risk, abs=1e-6)
    assert tail.conditional_value_at_risk == pytest.approx(conditional, abs=1e-6)


def test_a_limit_at_the_loss_of_table_4_leads_back_to_its_portfolio_over_quasi_random_scenarios() -> None:
    """Section 3: above 10,000 Sobol points the loss is within 1 % of that of the normal distribution."""
    points = norm.ppf(qmc.Sobol(3, rng=7).random(2**14))
    returns = np.array(RU_MEANS) + points @ np.linalg.cholesky(RU_COVARIANCE).T
    estimates = Estimates(np.array(RU_MEANS), DenseCovariance(np.array(RU_COVARIANCE)), Scenarios(returns, 1.0))
    problem = Problem("USD", products(3), Limits(max_cvar=CvarLimit(0.115908, 0.95)), estimates=estimates)

    # As good as the most return: the variance counts a millionth.
    found = best(problem, dense_market(RU_MEANS, RU_COVARIANCE), MeanVarianceUtility(2e-6))

    assert found.analysis.expected_return_net == pytest.approx(RU_RETURN, rel=0.01)


@pytest.mark.parametrize(
    ("goal", "weights", "mean", "deviation"),
    [
        # Section 12.2: the global minimum variance portfolio.
        (MinimumVariance(), [0.4411, 0.3656, 0.1933], 0.02489184, 0.07267607),
        # Section 12.3: the efficient portfolio with the mean of Starbucks.
        (TargetReturn(0.0285), [0.5194, 0.2732, 0.2075], 0.0285, None),
    ],
)
def test_portfolios_of_zivot_are_reproduced(
    goal: Wanted, weights: list[float], mean: float, deviation: float | None
) -> None:
    found = best(Problem("USD", products(3)), dense_market(ZIVOT_MEANS, ZIVOT_COVARIANCE), goal)

    assert found.weights == pytest.approx(weights, abs=5e-5)
    assert found.analysis.expected_return_net == pytest.approx(mean, abs=5e-9)
    if deviation is not None:
        assert found.analysis.volatility == pytest.approx(deviation, abs=5e-9)
