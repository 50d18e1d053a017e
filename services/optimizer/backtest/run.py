"""Run a back-test: find the days, walk, and sum up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.optimizer.backtest.metrics import Metrics, active_figures, metrics_of
from services.optimizer.backtest.rules import DEFAULT_BAND, Rule
from services.optimizer.backtest.walk import Decide, Terms, Trade, Walk, walk
from services.optimizer.estimators import Estimation, estimated
from services.optimizer.history import DAYS_PER_YEAR, Days, History, Vector
from services.optimizer.moments import Market, market_of_products
from services.optimizer.objective import Wanted
from services.optimizer.problem import Problem
from shared.errors import InvalidRequest

DEFAULT_ESTIMATION_DAYS = 756
# Of one return there is no standard deviation.
MIN_RETURNS = 2

Optimise = Callable[[Problem, Market, Wanted], Vector | None]
"""The best weights, (n,), one in sum, or None where the limits contradict each other. Raises SolutionRefused."""


@dataclass(frozen=True, eq=False)
class BacktestJob:
    """A strategy over past prices is wanted; `history` holds the problem's products in their order.

    strategy: an objective, or fixed weights, (n,), one in sum.  benchmark: weights, (n,), or None.
    costs: (n,).  start, end: None for as early or as late as prices allow.
    """

    problem: Problem
    history: History
    strategy: Wanted | Vector
    estimation: Estimation
    estimation_days: int
    costs: Vector
    rule: Rule = Rule.MONTHLY
    band: float = DEFAULT_BAND
    cash_return: float = 0.0
    cash_kept: float = 0.0
    benchmark: Vector | None = None
    start: np.datetime64 | None = None
    end: np.datetime64 | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class BacktestReport:
    """What would have happened: worth (d,) on each day, rebalancings with their days, figures."""

    days: Days
    values: Vector
    benchmark_values: Vector | None
    trades: tuple[tuple[np.datetime64, Trade], ...]
    metrics: Metrics
    benchmark_metrics: Metrics | None
    tracking_error: float | None
    information_ratio: float | None
    total_cost: float
    annual_turnover: float
    notes: tuple[str, ...]


def run_backtest(job: BacktestJob, optimise: Optimise) -> BacktestReport:
    """Return the report. Raises InvalidRequest where prices are too few or the limits contradict at the start."""
    history, first = _span(job)
    objective = job.strategy
    decide = _fixed(objective) if isinstance(objective, np.ndarray) else _optimised(job, objective, optimise)
    terms = Terms(job.rule, job.costs, job.band, job.cash_return, job.cash_kept)
    walked = walk(history, first, decide, terms)
    if walked is None:
        detail = f"contradict each other on the first day, {history.dates[first]}; OptimizePortfolio names the conflict"
        raise InvalidRequest.of("problem.limits", detail)
    return _summed_up(job, history, first, walked)


def _span(job: BacktestJob) -> tuple[History, int]:
    """Return the history up to the last day, and the row of the first trade."""
    last = len(job.history) if job.end is None else int(np.searchsorted(job.history.dates, job.end, side="right"))
    history = job.history.before(last)
    earliest = 0 if isinstance(job.strategy, np.ndarray) else _first_with_returns(history, job.estimation_days)
    wanted = earliest if job.start is None else int(np.searchsorted(history.dates, job.start))
    if wanted < earliest:
        day = history.dates[earliest] if earliest < len(history) else "none"
        found = len(history.before(wanted).daily_returns())
        detail = f"{job.start} leaves {found} daily returns to estimate from, expected {job.estimation_days}"
        raise InvalidRequest.of("start", f"{detail}; the earliest start is {day}")
    found = len(history.since(wanted).daily_returns())
    if found < MIN_RETURNS:
        detail = f"{found} daily returns to run over, expected at least {MIN_RETURNS}"
        raise InvalidRequest.of("end", f"{detail}; choose an earlier start, a later end or fewer estimation_days")
    return history, wanted


def _first_with_returns(history: History, count: int) -> int:
    """Return the first row with so many daily returns before it; the length of the history where none has."""
    before = np.concatenate([[0, 0], np.cumsum(history.steps() == 1)])[: len(history)]
    return int(np.searchsorted(before, count))


def _fixed(weights: Vector) -> Decide:
    return lambda _past, _held: weights


def _optimised(job: BacktestJob, objective: Wanted, optimise: Optimise) -> Decide:
    estimation = replace(job.estimation, window_days=job.estimation_days)
    currency = job.problem.base_currency

    def decide(past: History, held: Vector | None) -> Vector | None:
        market = market_of_products("", estimated(past, currency, estimation))
        return optimise(_problem_on(job.problem, held), market, objective)

    return decide


def _problem_on(problem: Problem, held: Vector | None) -> Problem:
    """Return the problem with what is held on that day; where that is nothing, everything has to be bought.

    Nothing is held at the start, and ever where all is kept in cash: no turnover limit stands in the way of that.
    """
    if held is None or not held.any():
        return replace(problem, current=None, limits=replace(problem.limits, max_turnover=None))
    # What is optimised is the invested part, so that cash that is kept does not count as turnover.
    invested = held / held.sum()
    return replace(
        problem, current={product.id: float(w) for product, w in zip(problem.products, invested, strict=True)}
    )


def _summed_up(job: BacktestJob, history: History, first: int, walked: Walk) -> BacktestReport:
    run = history.since(first)
    days, steps = run.dates, run.steps()
    benchmark = None if job.benchmark is None else _benchmark_values(job, history, first, job.benchmark)
    tracking_error, information_ratio = (None, None)
    if benchmark is not None:
        tracking_error, information_ratio = active_figures(steps, walked.values, benchmark)
    years = int(steps.sum()) / DAYS_PER_YEAR
    notes = [_in_words(history, walked.kept_rows)] if walked.kept_rows else []
    return BacktestReport(
        days=days,
        values=walked.values,
        benchmark_values=benchmark,
        trades=tuple((history.dates[trade.row], trade) for trade in walked.trades),
        metrics=metrics_of(days, steps, walked.values, job.cash_return),
        benchmark_metrics=None if benchmark is None else metrics_of(days, steps, benchmark, job.cash_return),
        tracking_error=tracking_error,
        information_ratio=information_ratio,
        total_cost=sum(trade.cost for trade in walked.trades),
        # The first purchase is no turnover of a portfolio.
        annual_turnover=sum(trade.turnover for trade in walked.trades[1:]) / years,
        notes=(*job.notes, *notes),
    )


def _in_words(history: History, rows: Sequence[int]) -> str:
    first = history.dates[rows[0]]
    return f"on {len(rows)} days, the first {first}, the limits contradicted each other and nothing was traded"


def _benchmark_values(job: BacktestJob, history: History, first: int, weights: Vector) -> Vector:
    """Return the worth of the benchmark, brought back to its weights by the same rule, without costs and cash."""
    terms = Terms(job.rule, np.zeros(len(weights)), job.band)
    walked = walk(history, first, _fixed(weights), terms)
    assert walked is not None
    return walked.values
