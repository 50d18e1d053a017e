"""No objective of a back-test looks ahead: whatever becomes of later prices, nothing before them changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.optimizer.answers import OptimizeJob, Portfolio
from services.optimizer.backtest.rules import Rule
from services.optimizer.backtest.run import BacktestJob, BacktestReport, run_backtest
from services.optimizer.engine import optimize
from services.optimizer.estimators import CovarianceEstimator, Estimation, ReturnEstimator
from services.optimizer.history import History, Matrix, Vector
from services.optimizer.moments import Market
from services.optimizer.objective import (
    EqualWeight,
    InverseVolatility,
    MaximumDiversification,
    MaximumSharpe,
    MeanCvarUtility,
    MeanVarianceUtility,
    MinimumCvar,
    MinimumTrackingError,
    MinimumVariance,
    RiskBudgeting,
    TargetReturn,
    TargetVolatility,
    Wanted,
)
from services.optimizer.problem import Bound, Limits, Problem, Product, TrackingErrorLimit
from shared.errors import InvalidRequest, UnsupportedCombination
from tests.unit.optimizer.builders import SOLVER
from tests.unit.optimizer.price_tables import history

PAST = history(200, 4, seed=3)
FIRST = 61
PRODUCTS = tuple(Product(name, "any", {}, 0.0, 0.001) for name in PAST.product_ids)
BENCHMARK = (0.4, 0.3, 0.2, 0.1)
# None of its limits can keep today's weights from being reached: what changes is the estimate.
LIMITED = Limits(
    products={"p0": Bound(maximum=0.6)},
    max_turnover=0.5,
    max_volatility=0.4,
    tracking_error=TrackingErrorLimit(BENCHMARK, 0.3),
)
OBJECTIVES: tuple[tuple[Wanted, Limits], ...] = (
    (MeanVarianceUtility(4.0), Limits()),
    (MeanVarianceUtility(4.0), LIMITED),
    (MinimumVariance(), LIMITED),
    (MaximumSharpe(-0.5), Limits()),
    (MaximumSharpe(0.0), LIMITED),
    (TargetReturn(-0.5), Limits()),
    (TargetReturn(0.1), LIMITED),
    (TargetVolatility(0.12), LIMITED),
    (MinimumTrackingError(BENCHMARK), Limits(min_cash=0.0, max_volatility=0.09)),
    (MaximumDiversification(), LIMITED),
    (RiskBudgeting((0.4, 0.3, 0.2, 0.1)), Limits()),
    (EqualWeight(), LIMITED),
    (InverseVolatility(), LIMITED),
)
ESTIMATIONS = (
    Estimation(),
    Estimation(ReturnEstimator.JAMES_STEIN, CovarianceEstimator.EWMA),
    Estimation(ReturnEstimator.CAPM, CovarianceEstimator.FACTOR),
)


def _best(problem: Problem, market: Market, objective: Wanted) -> Vector | None:
    answer = optimize(OptimizeJob(problem, market, objective), SOLVER)
    return answer.weights if isinstance(answer, Portfolio) else None


def _job(
    objective: Wanted, limits: Limits, past: History = PAST, estimation: Estimation = ESTIMATIONS[0]
) -> BacktestJob:
    return BacktestJob(
        problem=Problem("USD", PRODUCTS, limits),
        history=past,
        strategy=objective,
        estimation=estimation,
        estimation_days=60,
        costs=np.full(len(PRODUCTS), 0.001),
        rule=Rule.MONTHLY,
        benchmark=np.array(BENCHMARK),
    )


def _outcome(job: BacktestJob) -> BacktestReport | str:
    """Return the report, or why there is none: limits that cannot be met on the first day."""
    try:
        return run_backtest(job, _best)
    except InvalidRequest as error:
        return str(error)


def _altered(row: int, seed: int, how: str) -> History:
    """Return the prices with those from a row on scrambled, shifted by a day, doubled or made to crash."""
    random, prices = np.random.default_rng(seed), PAST.prices.copy()
    later: Matrix = prices[row:]
    match how:
        case "scrambled":
            prices[row:] = later * np.exp(random.normal(0.0, 0.3, later.shape))
        case "shifted":
            prices[row:] = np.vstack([later[1:], later[-1:]])
        case "doubled":
            prices[row:] = later * 2.0
        case _:
            prices[row:, random.integers(later.shape[1])] *= 1e-3
    return History(PAST.dates, PAST.product_ids, prices)


def _assert_same_before(day: np.datetime64, before: BacktestReport, after: BacktestReport) -> None:
    earlier = before.days < day
    np.testing.assert_array_equal(before.values[earlier], after.values[earlier])
    assert before.benchmark_values is not None
    assert after.benchmark_values is not None
    np.testing.assert_array_equal(before.benchmark_values[earlier], after.benchmark_values[earlier])
    # The trade of that day itself was decided by the days before it: the same weights, at other prices.
    first, second = ([(when, trade) for when, trade in found.trades if when <= day] for found in (before, after))
    assert [when for when, _ in first] == [when for when, _ in second]
    for (_, trade), (_, other) in zip(first, second, strict=True):
        np.testing.assert_array_equal(trade.weights, other.weights)


@pytest.mark.parametrize(("objective", "limits"), OBJECTIVES, ids=lambda value: type(value).__name__)
@settings(max_examples=4)
@given(
    row=st.integers(FIRST + 1, len(PAST) - 2),
    seed=st.integers(0, 10_000),
    how=st.sampled_from(["scrambled", "shifted", "doubled", "crashed"]),
    estimation=st.sampled_from(ESTIMATIONS),
)
def test_later_prices_change_nothing_before_them(
    objective: Wanted, limits: Limits, row: int, seed: int, how: str, estimation: Estimation
) -> None:
    before = _outcome(_job(objective, limits, estimation=estimation))
    after = _outcome(_job(objective, limits, _altered(row, seed, how), estimation))

    if isinstance(before, str) or isinstance(after, str):
        assert before == after
    else:
        _assert_same_before(PAST.dates[row], before, after)


def test_most_of_these_back_tests_do_trade() -> None:
    found = [_outcome(_job(objective, limits)) for objective, limits in OBJECTIVES]

    trades = [len(report.trades) for report in found if isinstance(report, BacktestReport)]
    assert len(trades) >= len(OBJECTIVES) - 2
    assert min(trades) >= 5


def test_every_objective_that_a_back_test_takes_is_looked_at() -> None:
    over_scenarios = {MinimumCvar, MeanCvarUtility}

    assert {type(objective) for objective, _ in OBJECTIVES} | over_scenarios == set(Wanted.__args__)
    for objective in (MinimumCvar(0.95), MeanCvarUtility(0.95, 1.0)):
        with pytest.raises(UnsupportedCombination):
            run_backtest(_job(objective, Limits()), _best)


def test_a_back_test_after_another_one_is_the_same_to_the_last_bit() -> None:
    asked = _job(MeanVarianceUtility(4.0), LIMITED)
    alone = _outcome(asked)
    _outcome(replace(asked, strategy=MaximumSharpe(0.0)))

    again = _outcome(asked)

    assert isinstance(alone, BacktestReport)
    assert isinstance(again, BacktestReport)
    np.testing.assert_array_equal(alone.values, again.values)
