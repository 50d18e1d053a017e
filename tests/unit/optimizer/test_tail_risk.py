from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from services.optimizer.drawdown import constant_mix, max_drawdown
from services.optimizer.tail_risk import TailMethod, historical_outcomes, normal_tail, outcome_tail
from tests.unit.optimizer.price_tables import history, holed_panel


def test_a_standard_normal_loses_the_textbook_numbers() -> None:
    # McNeil, Frey and Embrechts (2015), table 2.1: 95 % VaR 1.645, ES 2.063; 99 % 2.326 and 2.665.
    at95, at99 = (normal_tail(0.0, 1.0, confidence, 1.0) for confidence in (0.95, 0.99))

    assert at95.value_at_risk == pytest.approx(1.645, abs=5e-4)
    assert at95.conditional_value_at_risk == pytest.approx(2.063, abs=5e-4)
    assert at99.value_at_risk == pytest.approx(2.326, abs=5e-4)
    assert at99.conditional_value_at_risk == pytest.approx(2.665, abs=5e-4)


def test_a_normal_tail_equals_the_integral_over_the_worst_outcomes() -> None:
    loss = stats.norm(loc=-0.06 * 0.5, scale=0.15 * math.sqrt(0.5))

    tail = normal_tail(0.06, 0.15, 0.975, 0.5)

    border = loss.ppf(0.975)
    beyond = integrate.quad(lambda x: x * loss.pdf(x), border, np.inf)[0] / 0.025
    assert tail.value_at_risk == pytest.approx(border, abs=1e-10)
    assert tail.conditional_value_at_risk == pytest.approx(beyond, abs=1e-8)


def test_a_hundred_outcomes_are_counted_by_hand() -> None:
    returns = np.arange(-50, 50) / 100.0

    tail = outcome_tail(returns, 0.95, 1.0, TailMethod.HISTORICAL)

    # Five outcomes lie beyond: losses of 0.50 to 0.46. Ninety-five are at most 0.45.
    assert tail.value_at_risk == pytest.approx(0.45)
    assert tail.conditional_value_at_risk == pytest.approx(0.48)
    assert tail.outcome_count == 100


def test_an_outcome_on_the_border_counts_in_part() -> None:
    # The worst 5 % of 50 outcomes are two and a half of them.
    returns = -np.arange(1.0, 51.0)

    tail = outcome_tail(returns, 0.95, 1.0, TailMethod.SCENARIOS)

    assert tail.value_at_risk == 48.0
    assert tail.conditional_value_at_risk == pytest.approx((50.0 + 49.0 + 0.5 * 48.0) / 2.5)


def test_many_normal_outcomes_approach_the_formula() -> None:
    returns = np.random.default_rng(1).normal(0.05, 0.2, 200_000)

    tail = outcome_tail(returns, 0.95, 1.0, TailMethod.HISTORICAL)

    # The standard error of the mean of 10,000 tail outcomes is below 0.001.
    exact = normal_tail(0.05, 0.2, 0.95, 1.0)
    assert tail.value_at_risk == pytest.approx(exact.value_at_risk, abs=0.004)
    assert tail.conditional_value_at_risk == pytest.approx(exact.conditional_value_at_risk, abs=0.004)


@settings(deadline=None)
@given(
    st.lists(st.floats(-0.9, 2.0), min_size=1, max_size=60),
    st.sampled_from([0.6, 0.9, 0.95, 0.99]),
    st.floats(0.001, 10.0),
    st.floats(-0.5, 0.5),
)
def test_tails_are_ordered_scale_and_shift(found: list[float], confidence: float, scale: float, shift: float) -> None:
    returns = np.array(found)

    tail = outcome_tail(returns, confidence, 1.0, TailMethod.HISTORICAL)
    moved = outcome_tail(scale * returns + shift, confidence, 1.0, TailMethod.HISTORICAL)

    assert tail.value_at_risk <= tail.conditional_value_at_risk + 1e-12
    assert tail.conditional_value_at_risk <= -returns.min() + 1e-12
    assert moved.value_at_risk == pytest.approx(scale * tail.value_at_risk - shift, abs=1e-9)
    assert moved.conditional_value_at_risk == pytest.approx(scale * tail.conditional_value_at_risk - shift, abs=1e-9)


def test_outcomes_are_gains_of_a_portfolio_bought_and_held() -> None:
    past = history(300, 2)

    outcomes = historical_outcomes(past, np.array([0.25, 0.75]), horizon_years=21 / 252)

    assert len(outcomes) == 300 - 21
    shares = np.array([0.25, 0.75]) / past.prices[10]
    assert outcomes[10] == pytest.approx(shares @ past.prices[31] - 1.0)


def test_a_horizon_longer_than_the_history_has_no_outcomes() -> None:
    assert len(historical_outcomes(history(100, 1), np.array([1.0]), 1.0)) == 0


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 100.0), min_size=1, max_size=40))
def test_the_deepest_fall_equals_the_worst_of_all_pairs(found: list[float]) -> None:
    values = np.array(found)
    pairs = (1.0 - values[later] / values[early] for early in range(len(values)) for later in range(early, len(values)))

    assert max_drawdown(values) == pytest.approx(max(pairs), abs=1e-12)


def test_a_constant_mix_compounds_weighted_daily_returns() -> None:
    past = history(4, 2)
    weights = np.array([0.6, 0.4])

    values = constant_mix(past, weights)

    by_hand = 1.0
    for returns in past.daily_returns():
        by_hand *= 1.0 + 0.6 * returns[0] + 0.4 * returns[1]
    assert values[0] == 1.0
    assert values[-1] == pytest.approx(by_hand)


def test_a_historical_outcome_never_spans_more_days_than_the_horizon() -> None:
    whole = historical_outcomes(history(300, 1), np.array([1.0]), horizon_years=5 / 252)
    panel = holed_panel(300, 1, holes=0)
    panel.prices[100, 0] = np.nan

    outcomes = historical_outcomes(panel.history(), np.array([1.0]), horizon_years=5 / 252)

    # The stretches that begin and the one that ends on the missing day are left out; no other changes.
    np.testing.assert_array_equal(outcomes, np.delete(whole, [95, 100]))


def test_a_fall_over_a_missing_day_is_not_lost() -> None:
    panel = holed_panel(50, 1, holes=0)
    panel.prices[20:, 0] *= 0.5
    panel.prices[20, 0] = np.nan

    values = constant_mix(panel.history(), np.array([1.0]))

    assert max_drawdown(values) > 0.45
