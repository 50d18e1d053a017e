from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from services.optimizer.estimates import Estimates, Scenarios
from services.optimizer.moments import Moments, product_moments
from services.optimizer.problem import Problem, Product
from services.optimizer.risk_report import RiskJob, against, duration_of, risk_report
from services.optimizer.tail_risk import TailMethod
from tests.unit.optimizer.builders import dense_market
from tests.unit.optimizer.price_tables import history

MARKET = dense_market([0.08, 0.03], [[0.04, 0.002], [0.002, 0.0025]])
PRODUCTS = (
    Product("p0", "equity", {"a0": 1.0}, 0.0, 0.002),
    Product("p1", "bond", {"a1": 1.0}, 0.0, 0.001, duration_years=6.5),
)
WEIGHTS = np.array([0.6, 0.4])
JOB = RiskJob(
    problem=Problem("USD", PRODUCTS),
    market=MARKET,
    weights=WEIGHTS,
    benchmark=None,
    confidences=(0.95,),
    horizon_years=1.0,
    scenarios=(),
    history=None,
)


def _moments() -> Moments:
    return product_moments(PRODUCTS, "USD", MARKET)


def test_contributions_sum_to_the_volatility_and_marginals_are_slopes() -> None:
    report = risk_report(JOB, _moments())

    volatility = report.analysis.volatility
    assert WEIGHTS @ report.marginal_contributions == pytest.approx(volatility)
    assert sum(value for _, value in report.class_contributions) == pytest.approx(volatility)
    assert [name for name, _ in report.class_contributions] == ["equity", "bond"]
    step = 1e-6
    nudged = math.sqrt(_moments().variance(WEIGHTS + np.array([step, 0.0])))
    assert report.marginal_contributions[0] == pytest.approx((nudged - volatility) / step, rel=1e-4)


def test_without_prices_there_is_only_the_normal_tail_and_no_fall() -> None:
    report = risk_report(JOB, _moments())

    assert [tail.method for tail in report.tails] == [TailMethod.NORMAL]
    assert report.tails[0].conditional_value_at_risk == pytest.approx(report.analysis.cvar)
    assert report.max_drawdown is None


def test_prices_add_historical_tails_and_the_deepest_fall() -> None:
    report = risk_report(replace(JOB, history=history(400, 2), horizon_years=21 / 252), _moments())

    assert [tail.method for tail in report.tails] == [TailMethod.NORMAL, TailMethod.HISTORICAL]
    assert report.tails[1].outcome_count == 400 - 21
    assert report.max_drawdown is not None
    assert 0.0 < report.max_drawdown < 1.0


def test_scenarios_add_tails_after_fees_over_their_own_horizon() -> None:
    outcomes = np.column_stack([np.linspace(-0.5, 0.5, 101), np.zeros(101)])
    scenarios = Scenarios(outcomes, 0.5)
    job = replace(JOB, problem=replace(JOB.problem, estimates=Estimates(scenarios=scenarios)))

    tail = risk_report(job, _moments()).tails[-1]

    fee = (0.6 * 0.002 + 0.4 * 0.001) * 0.5
    assert (tail.method, tail.horizon_years, tail.outcome_count) == (TailMethod.SCENARIOS, 0.5, 101)
    assert tail.value_at_risk == pytest.approx(0.6 * 0.45 + fee)


def test_beta_and_tracking_error_against_a_benchmark() -> None:
    benchmark = np.array([1.0, 0.0])

    beta, tracking_error = against(WEIGHTS, benchmark, _moments())

    assert beta == pytest.approx((0.6 * 0.04 + 0.4 * 0.002) / 0.04)
    difference = np.array([-0.4, 0.4])
    covariance = np.array([[0.04, 0.002], [0.002, 0.0025]])
    assert tracking_error == pytest.approx(math.sqrt(difference @ covariance @ difference))
    assert against(benchmark, benchmark, _moments()) == (pytest.approx(1.0), 0.0)
    assert against(WEIGHTS, None, _moments()) == (None, None)


def test_duration_is_the_mean_over_what_carries_one() -> None:
    def found(*years: float | None) -> tuple[float, float]:
        return duration_of(WEIGHTS, [replace(PRODUCTS[0], duration_years=each) for each in years])

    assert found(None, 6.5) == (6.5, 0.4)
    assert found(2.0, 7.0) == (pytest.approx(4.0), 1.0)
    assert found(None, None) == (0.0, 0.0)
