"""Figures of a back-test against hand calculation and published returns, and the days that they count."""

from __future__ import annotations

import csv
import math
from datetime import date

import numpy as np
import pytest

from services.optimizer.backtest.metrics import active_figures, metrics_of
from services.optimizer.backtest.rules import Rule
from services.optimizer.backtest.run import BacktestJob, BacktestReport, run_backtest
from services.optimizer.estimators import Estimation
from services.optimizer.faults import examined
from services.optimizer.history import History, PricePanel
from services.optimizer.objective import MinimumVariance
from services.optimizer.prices_read import read_prices
from services.optimizer.problem import Problem, Product
from shared.errors import InvalidRequest
from tests.unit.optimizer.backtests import FIXED, PAST, best, run
from tests.unit.optimizer.price_tables import FUNDS, holed_panel


def test_a_strategy_that_is_its_benchmark_has_no_tracking_error() -> None:
    report = run(benchmark=FIXED)

    assert report.benchmark_values is not None
    np.testing.assert_allclose(report.values, report.benchmark_values)
    assert report.tracking_error == pytest.approx(0.0, abs=1e-12)
    assert report.benchmark_metrics == report.metrics


def test_metrics_of_a_short_series_worked_by_hand() -> None:
    days = np.array(["2020-01-30", "2020-01-31", "2020-02-03", "2020-02-28"], dtype="datetime64[D]")
    values = np.array([1.0, 1.1, 0.99, 1.089])
    returns = np.array([0.1, -0.1, 0.1])

    found = metrics_of(days, np.ones(3, dtype=np.int64), values, cash_return=0.0252)

    assert found.annual_return == pytest.approx(1.089 ** (252 / 3) - 1.0)
    assert found.annual_volatility == pytest.approx(returns.std(ddof=1) * math.sqrt(252))
    excess = returns.mean() * 252 - 0.0252
    assert found.sharpe_ratio == pytest.approx(excess / found.annual_volatility)
    assert found.sortino_ratio == pytest.approx(excess / (math.sqrt(0.1001**2 / 3) * math.sqrt(252)))
    assert found.max_drawdown == pytest.approx(0.1)
    assert found.calmar_ratio == pytest.approx(found.annual_return / 0.1)
    assert found.daily_cvar95 == pytest.approx(0.1)
    assert found.positive_months == pytest.approx(0.5)


def test_ratios_without_a_denominator_are_zero() -> None:
    days, steps = PAST.dates[:10], np.ones(9, dtype=np.int64)

    still = metrics_of(days, steps, np.ones(10), cash_return=0.0)

    assert (still.sharpe_ratio, still.sortino_ratio, still.calmar_ratio) == (0.0, 0.0, 0.0)
    assert active_figures(steps, np.ones(10), np.ones(10)) == (0.0, 0.0)


def test_missing_days_count_as_days_that_passed() -> None:
    panel = holed_panel(260, 3, holes=2)
    past = panel.history()
    steps = np.diff(np.flatnonzero(~np.isnan(panel.prices).any(axis=1)))
    assert len(steps) == 253

    report = run(history=past, rule=Rule.NEVER, cash_kept=0.5, cash_return=0.05, benchmark=np.array([1.0, 0.0, 0.0]))

    bought = 0.5 * FIXED / past.prices[0]
    cash = 0.5 * 1.05 ** (np.concatenate([[0], np.cumsum(steps)]) / 252)
    np.testing.assert_allclose(report.values, past.prices @ bought + cash, rtol=1e-12)
    daily = (report.values[1:] / report.values[:-1] - 1.0)[steps == 1]
    first = (past.prices[1:, 0] / past.prices[:-1, 0] - 1.0)[steps == 1]
    assert report.metrics.annual_return == pytest.approx(report.values[-1] ** (252 / 259) - 1.0)
    assert report.metrics.annual_volatility == pytest.approx(daily.std(ddof=1) * math.sqrt(252))
    assert report.tracking_error == pytest.approx((daily - first).std(ddof=1) * math.sqrt(252))


def test_missing_days_put_off_the_start_until_the_window_is_full_of_daily_returns() -> None:
    panel = holed_panel(260, 3, holes=0)
    panel.prices[30, 0] = np.nan

    report = run(history=panel.history(), strategy=MinimumVariance(), estimation_days=60)

    # The two returns to and from the missing day are made up for by two days more.
    assert report.days[0] == PAST.dates[63]


def test_a_stretch_of_days_none_of_which_follow_each_other_is_refused() -> None:
    every_other = PricePanel(PAST.dates, PAST.product_ids, PAST.prices.copy())
    every_other.prices[1::2] = np.nan

    with pytest.raises(InvalidRequest, match="0 daily returns to run over"):
        run(history=every_other.history())


def _real() -> History:
    path = FUNDS / "us_etf_adjclose_daily.csv"
    if not path.is_file():
        pytest.skip("the real price data is not on this machine")
    return examined(read_prices(path.read_bytes()))[0].history(["VTI", "AGG"])


@pytest.mark.parametrize(("column", "fund"), [(0, "VTI"), (1, "AGG")])
def test_holding_one_real_fund_gives_its_published_return_and_volatility(column: int, fund: str) -> None:
    past = _real()
    with (FUNDS / "us_etf_quality.csv").open(encoding="utf-8") as file:
        quality = next(row for row in csv.DictReader(file) if row["ticker"] == fund)
    whole = examined(read_prices((FUNDS / "us_etf_adjclose_daily.csv").read_bytes()))[0].history([fund])
    weights = np.array([1.0])
    problem = Problem("USD", (Product(fund, "any", {}, 0.0, 0.0),))

    job = BacktestJob(problem, whole, weights, Estimation(), 756, np.zeros(1), rule=Rule.NEVER)
    report = run_backtest(job, best)

    years = (date.fromisoformat(quality["last"]) - date.fromisoformat(quality["first"])).days / 365.25
    by_calendar = (1.0 + report.metrics.annual_return) ** (len(whole) / 252 / years) - 1.0
    assert by_calendar == pytest.approx(float(quality["cagr"]), abs=2e-4)
    assert report.metrics.annual_volatility == pytest.approx(float(quality["ann_vol"]), abs=2e-4)
    assert past.product_ids[column] == fund


def test_sixty_forty_of_real_funds_lies_between_its_parts_with_less_risk_than_their_mean() -> None:
    past = _real()
    problem = Problem("USD", tuple(Product(name, "any", {}, 0.0, 0.0) for name in past.product_ids))
    start, end = np.datetime64("2007-01-03"), np.datetime64("2025-09-26")

    def figures(weights: list[float]) -> BacktestReport:
        job = BacktestJob(problem, past, np.array(weights), Estimation(), 756, np.zeros(2), start=start, end=end)
        return run_backtest(job, best)

    mix, shares, bonds = (figures(each) for each in ([0.6, 0.4], [1.0, 0.0], [0.0, 1.0]))

    assert bonds.metrics.annual_return < mix.metrics.annual_return < shares.metrics.annual_return
    mean = 0.6 * shares.metrics.annual_volatility + 0.4 * bonds.metrics.annual_volatility
    assert mix.metrics.annual_volatility < mean
    # Close to what was measured when this was written, on data that do not change.
    assert mix.metrics.annual_return == pytest.approx(0.078, abs=0.004)
    assert mix.metrics.annual_volatility == pytest.approx(0.119, abs=0.004)
    assert mix.metrics.max_drawdown == pytest.approx(0.36, abs=0.02)
