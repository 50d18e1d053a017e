from __future__ import annotations

import csv
import math
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.optimizer.answers import OptimizeJob, Portfolio
from services.optimizer.backtest.metrics import active_figures, metrics_of
from services.optimizer.backtest.rules import Rule, drift, is_calendar_day
from services.optimizer.backtest.run import BacktestJob, BacktestReport, run_backtest
from services.optimizer.backtest.walk import Terms, walk
from services.optimizer.engine import optimize
from services.optimizer.estimators import Estimation, ledoit_wolf_shrinkage
from services.optimizer.faults import examined
from services.optimizer.history import History, PricePanel, Vector
from services.optimizer.moments import Market
from services.optimizer.objective import MinimumVariance, Wanted
from services.optimizer.prices_read import read_prices
from services.optimizer.problem import Limits, Problem, Product
from shared.errors import InvalidRequest
from tests.unit.optimizer.builders import SOLVER, capped, group
from tests.unit.optimizer.price_tables import FUNDS, history, holed_panel

PAST = history(260, 3)
PRODUCTS = tuple(Product(name, "any", {}, 0.0, 0.0) for name in PAST.product_ids)
FIXED = np.array([0.5, 0.3, 0.2])


def _best(problem: Problem, market: Market, objective: Wanted) -> Vector | None:
    answer = optimize(OptimizeJob(problem, market, objective), SOLVER)
    return answer.weights if isinstance(answer, Portfolio) else None


def _job(**changes: object) -> BacktestJob:
    job = BacktestJob(
        problem=Problem("USD", PRODUCTS),
        history=PAST,
        strategy=FIXED,
        estimation=Estimation(),
        estimation_days=60,
        costs=np.zeros(3),
    )
    return replace(job, **changes)


def _run(**changes: object) -> BacktestReport:
    return run_backtest(_job(**changes), _best)


def test_fixed_weights_equal_a_loop_written_by_hand() -> None:
    costs, cash_return, cash_kept = np.array([0.001, 0.002, 0.0005]), 0.03, 0.1

    report = _run(costs=costs, cash_return=cash_return, cash_kept=cash_kept)

    value, units, cash = 1.0, None, 0.0
    values, paid = [], 0.0
    for row, prices in enumerate(PAST.prices):
        if units is not None:
            cash *= (1.0 + cash_return) ** (1 / 252)
            value = float(units @ prices) + cash
        month_began = row > 0 and str(PAST.dates[row])[:7] != str(PAST.dates[row - 1])[:7]
        if units is None or month_began:
            held = np.zeros(3) if units is None else units * prices
            worth_after = value
            for _ in range(100):
                worth_after = value - sum(
                    cost * abs(0.9 * weight * worth_after - amount)
                    for cost, weight, amount in zip(costs, FIXED, held, strict=True)
                )
            paid += (value - worth_after) / value
            value = worth_after
            units, cash = 0.9 * FIXED * value / prices, 0.1 * value
        values.append(value)
    values[0] = 1.0  # The first day is stated before costs.
    np.testing.assert_allclose(report.values, values, rtol=1e-12)
    assert report.total_cost == pytest.approx(paid, rel=1e-9)


def test_never_trading_holds_what_was_bought() -> None:
    report = _run(rule=Rule.NEVER)

    np.testing.assert_allclose(report.values, PAST.prices @ (FIXED / PAST.prices[0]), rtol=1e-12)
    assert len(report.trades) == 1
    assert report.annual_turnover == 0.0


def test_a_drift_rule_trades_when_the_day_before_was_out_of_its_band() -> None:
    report = _run(rule=Rule.DRIFT, band=0.02)

    units = FIXED / PAST.prices[0]
    value = units @ PAST.prices.T
    weights = PAST.prices * units / value[:, None]
    first_out = next(row for row in range(len(PAST)) if drift(weights[row], FIXED) > 0.02)
    assert report.trades[1][0] == PAST.dates[first_out + 1]


@pytest.mark.parametrize(
    ("rule", "months"), [(Rule.MONTHLY, range(1, 13)), (Rule.QUARTERLY, (1, 4, 7, 10)), (Rule.YEARLY, (1,))]
)
def test_calendar_rules_trade_on_first_trading_days(rule: Rule, months: range) -> None:
    due = is_calendar_day(rule, PAST.dates)

    days = [day.item() for day in PAST.dates[due]]
    firsts = [
        day.item()
        for before, day in zip(PAST.dates[:-1], PAST.dates[1:], strict=True)
        if before.item().month != day.item().month and day.item().month in months
    ]
    assert days == firsts


def test_costs_only_lower_the_worth() -> None:
    free, dear = _run(), _run(costs=np.full(3, 0.01))

    assert np.all(dear.values[1:] < free.values[1:])
    assert dear.total_cost > 0.01


def _scrambled(past: History, row: int, seed: int) -> History:
    moved = past.prices.copy()
    moved[row:] *= np.exp(np.random.default_rng(seed).normal(0.0, 0.3, moved[row:].shape))
    return History(past.dates, past.product_ids, moved)


@settings(max_examples=12, deadline=None)
@given(
    row=st.integers(70, 250),
    seed=st.integers(0, 10_000),
    rule=st.sampled_from(Rule),
    strategy=st.sampled_from([FIXED, MinimumVariance()]),
)
def test_scrambling_prices_from_a_day_on_changes_nothing_before_it(
    row: int, seed: int, rule: Rule, strategy: Vector | MinimumVariance
) -> None:
    day = PAST.dates[row]
    asked = _job(rule=rule, band=0.02, strategy=strategy, costs=np.full(3, 0.001))

    before = run_backtest(asked, _best)
    after = run_backtest(replace(asked, history=_scrambled(PAST, row, seed)), _best)

    earlier = before.days < day
    np.testing.assert_array_equal(before.values[earlier], after.values[earlier])
    # The trade of that day itself was decided by the days before it: the same weights, at other prices.
    for (when, trade), (again, other) in zip(before.trades, after.trades, strict=False):
        if when > day:
            break
        assert when == again
        np.testing.assert_array_equal(trade.weights, other.weights)


def test_a_strategy_is_only_ever_shown_the_days_before() -> None:
    lengths: list[int] = []

    def decide(past: History, _held: Vector | None) -> Vector:
        lengths.append(len(past))
        return FIXED

    walked = walk(PAST, 61, decide, Terms(Rule.MONTHLY, np.zeros(3), 0.05))

    assert walked is not None
    assert lengths == [trade.row for trade in walked.trades]


def test_an_objective_starts_when_its_window_is_full_and_uses_no_other_days() -> None:
    report = _run(strategy=MinimumVariance())
    window = PAST.before(61).daily_returns()

    assert report.days[0] == PAST.dates[61]
    covariance = np.cov(window, rowvar=False, ddof=0)
    intensity = ledoit_wolf_shrinkage(window)
    shrunk = (1 - intensity) * covariance + intensity * np.trace(covariance) / 3 * np.eye(3)
    closed_form = np.linalg.solve(shrunk, np.ones(3))
    np.testing.assert_allclose(report.trades[0][1].weights, closed_form / closed_form.sum(), atol=1e-7)


def test_limits_hold_at_every_rebalancing_and_turnover_after_the_first() -> None:
    limits = Limits(products=capped(PRODUCTS, 0.4), max_turnover=0.02)

    report = _run(strategy=MinimumVariance(), problem=Problem("USD", PRODUCTS, limits))

    assert len(report.trades) > 3
    assert all(trade.weights.max() <= 0.4 + 1e-8 for _, trade in report.trades)
    # The limit is kept against the weights of the day before; those of the trade are a day's moves of 1 % away.
    assert all(trade.turnover <= 0.02 + 0.01 for _, trade in report.trades[1:])


@pytest.mark.parametrize("strategy", [FIXED, MinimumVariance()])
def test_all_kept_in_cash_earns_what_cash_earns(strategy: Wanted | Vector) -> None:
    problem = Problem("USD", PRODUCTS, Limits(max_turnover=0.02))

    report = _run(strategy=strategy, problem=problem, cash_kept=1.0, cash_return=0.03)

    assert len(report.trades) > 3
    np.testing.assert_allclose(report.values, 1.03 ** (np.arange(len(report.days)) / 252), rtol=1e-12)
    assert report.annual_turnover == 0.0


def test_limits_that_contradict_are_refused_with_the_day() -> None:
    limits = Limits(groups=(group("all", PAST.product_ids, maximum=0.5),))

    with pytest.raises(InvalidRequest, match=r"contradict each other on the first day, 2020-0"):
        _run(strategy=MinimumVariance(), problem=Problem("USD", PRODUCTS, limits))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"start": np.datetime64("2020-02-03"), "strategy": MinimumVariance()}, "the earliest start is 2020-03-26"),
        ({"start": np.datetime64("2030-01-01")}, "expected at least 2"),
        ({"end": np.datetime64("2019-01-01")}, "expected at least 2"),
    ],
)
def test_days_without_enough_prices_are_refused(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        _run(**changes)


def test_a_strategy_that_is_its_benchmark_has_no_tracking_error() -> None:
    report = _run(benchmark=FIXED)

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

    report = _run(history=past, rule=Rule.NEVER, cash_kept=0.5, cash_return=0.05, benchmark=np.array([1.0, 0.0, 0.0]))

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

    report = _run(history=panel.history(), strategy=MinimumVariance(), estimation_days=60)

    # The two returns to and from the missing day are made up for by two days more.
    assert report.days[0] == PAST.dates[63]


def test_a_stretch_of_days_none_of_which_follow_each_other_is_refused() -> None:
    every_other = PricePanel(PAST.dates, PAST.product_ids, PAST.prices.copy())
    every_other.prices[1::2] = np.nan

    with pytest.raises(InvalidRequest, match="0 daily returns to run over"):
        _run(history=every_other.history())


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
    report = run_backtest(job, _best)

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
        return run_backtest(job, _best)

    mix, shares, bonds = (figures(each) for each in ([0.6, 0.4], [1.0, 0.0], [0.0, 1.0]))

    assert bonds.metrics.annual_return < mix.metrics.annual_return < shares.metrics.annual_return
    mean = 0.6 * shares.metrics.annual_volatility + 0.4 * bonds.metrics.annual_volatility
    assert mix.metrics.annual_volatility < mean
    # Close to what was measured when this was written, on data that do not change.
    assert mix.metrics.annual_return == pytest.approx(0.078, abs=0.004)
    assert mix.metrics.annual_volatility == pytest.approx(0.119, abs=0.004)
    assert mix.metrics.max_drawdown == pytest.approx(0.36, abs=0.02)
