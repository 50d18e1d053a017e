from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from services.optimizer.moments import product_moments
from services.optimizer.risk import analyse, normal_cvar
from tests.unit.optimizer.builders import dense_market, products

MARKET = dense_market([0.05, 0.07], [[0.01, 0.006], [0.006, 0.04]])
MOMENTS = product_moments(products(2, fees=[0.001, 0.004]), "USD", MARKET)


@pytest.mark.parametrize(("mean", "volatility"), [(0.05, 0.16), (-0.02, 0.3), (0.03, 0.01)])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_cvar_is_the_mean_loss_beyond_the_quantile(mean: float, volatility: float, confidence: float) -> None:
    worst = stats.norm.ppf(1.0 - confidence, mean, volatility)
    tail, _ = integrate.quad(lambda r: -r * stats.norm.pdf(r, mean, volatility), mean - 12 * volatility, worst)

    assert normal_cvar(mean, volatility, confidence) == pytest.approx(tail / (1.0 - confidence), rel=1e-6)


def test_a_certain_gain_is_a_negative_loss() -> None:
    assert normal_cvar(0.03, 0.0) == -0.03


def test_returns_fees_and_volatility_of_a_mixture_are_those_worked_out_by_hand() -> None:
    analysis = analyse(np.array([0.5, 0.5]), MOMENTS)

    assert analysis.expected_return == pytest.approx(0.06)
    assert analysis.expense_ratio == pytest.approx(0.0025)
    assert analysis.expected_return_net == pytest.approx(0.0575)
    assert analysis.volatility == pytest.approx(np.sqrt(0.25 * 0.01 + 0.5 * 0.006 + 0.25 * 0.04))
    assert analysis.cvar == pytest.approx(normal_cvar(0.0575, analysis.volatility))


@settings(deadline=None)
@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_risk_contributions_sum_to_the_volatility(total: float, share: float) -> None:
    analysis = analyse(np.array([total * share, total * (1.0 - share)]), MOMENTS)

    assert analysis.contributions.sum() == pytest.approx(analysis.volatility, abs=1e-15)


def test_uninvested_money_earns_cash_and_carries_no_risk() -> None:
    market = dense_market([0.05], [[0.04]])
    market.expected[market.factors.index("us_cash")] = 0.03
    moments = product_moments(products(1, fees=[0.01]), "USD", market)

    analysis = analyse(np.array([0.5]), moments)

    assert analysis.expected_return == pytest.approx(0.5 * 0.05 + 0.5 * 0.03)
    assert analysis.expense_ratio == pytest.approx(0.005)
    assert analysis.volatility == pytest.approx(0.1)


def test_nothing_invested_has_no_contributions() -> None:
    analysis = analyse(np.zeros(2), MOMENTS)

    assert analysis.volatility == 0.0
    assert analysis.contributions == pytest.approx([0.0, 0.0])
