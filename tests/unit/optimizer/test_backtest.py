from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.optimizer.backtest.rules import Rule, drift, is_calendar_day
from services.optimizer.backtest.run import run_backtest
from services.optimizer.backtest.walk import Terms, walk
from services.optimizer.estimators import ledoit_wolf_shrinkage
from services.optimizer.history import History, Vector
from services.optimizer.objective import MinimumVariance, Wanted
from services.optimizer.problem import Limits, Problem
from shared.errors import InvalidRequest
from tests.unit.optimizer.backtests import FIXED, PAST, PRODUCTS, best, job_of, run
from tests.unit.optimizer.builders import capped, group


def test_fixed_weights_equal_a_loop_written_by_hand() -> None:
    costs, cash_return, cash_kept = np.array([0.001, 0.002, 0.0005]), 0.03, 0.1

    report = run(costs=costs, cash_return=cash_return, cash_kept=cash_kept)

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
    report = run(rule=Rule.NEVER)

    np.testing.assert_allclose(report.values, PAST.prices @ (FIXED / PAST.prices[0]), rtol=1e-12)
    assert len(report.trades) == 1
    assert report.annual_turnover == 0.0


def test_a_drift_rule_trades_when_the_day_before_was_out_of_its_band() -> None:
    report = run(rule=Rule.DRIFT, band=0.02)

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
    free, dear = run(), run(costs=np.full(3, 0.01))

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
    asked = job_of(rule=rule, band=0.02, strategy=strategy, costs=np.full(3, 0.001))

    before = run_backtest(asked, best)
    after = run_backtest(replace(asked, history=_scrambled(PAST, row, seed)), best)

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
    report = run(strategy=MinimumVariance())
    window = PAST.before(61).daily_returns()

    assert report.days[0] == PAST.dates[61]
    covariance = np.cov(window, rowvar=False, ddof=0)
    intensity = ledoit_wolf_shrinkage(window)
    shrunk = (1 - intensity) * covariance + intensity * np.trace(covariance) / 3 * np.eye(3)
    closed_form = np.linalg.solve(shrunk, np.ones(3))
    np.testing.assert_allclose(report.trades[0][1].weights, closed_form / closed_form.sum(), atol=1e-7)


def test_limits_hold_at_every_rebalancing_and_turnover_after_the_first() -> None:
    limits = Limits(products=capped(PRODUCTS, 0.4), max_turnover=0.02)

    report = run(strategy=MinimumVariance(), problem=Problem("USD", PRODUCTS, limits))

    assert len(report.trades) > 3
    assert all(trade.weights.max() <= 0.4 + 1e-8 for _, trade in report.trades)
    # The limit is kept against the weights of the day before; those of the trade are a day's moves of 1 % away.
    assert all(trade.turnover <= 0.02 + 0.01 for _, trade in report.trades[1:])


@pytest.mark.parametrize("strategy", [FIXED, MinimumVariance()])
def test_all_kept_in_cash_earns_what_cash_earns(strategy: Wanted | Vector) -> None:
    problem = Problem("USD", PRODUCTS, Limits(max_turnover=0.02))

    report = run(strategy=strategy, problem=problem, cash_kept=1.0, cash_return=0.03)

    assert len(report.trades) > 3
    np.testing.assert_allclose(report.values, 1.03 ** (np.arange(len(report.days)) / 252), rtol=1e-12)
    assert report.annual_turnover == 0.0


def test_limits_that_contradict_are_refused_with_the_day() -> None:
    limits = Limits(groups=(group("all", PAST.product_ids, maximum=0.5),))

    with pytest.raises(InvalidRequest, match=r"contradict each other on the first day, 2020-0"):
        run(strategy=MinimumVariance(), problem=Problem("USD", PRODUCTS, limits))


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
        run(**changes)
