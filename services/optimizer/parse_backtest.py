"""Messages of RunBacktest: every field is checked."""

from __future__ import annotations

import numpy as np
from fiducia.optimizer.v1 import backtest_pb2 as messages

from services.optimizer.backtest.rules import DEFAULT_BAND, Rule
from services.optimizer.backtest.run import DEFAULT_ESTIMATION_DAYS, BacktestJob
from services.optimizer.checks import Checks
from services.optimizer.estimators import MIN_DAYS
from services.optimizer.history import PricePanel, Vector
from services.optimizer.moments import Market
from services.optimizer.objective import EqualWeight, Wanted
from services.optimizer.parse import parse_problem
from services.optimizer.parse_market import chosen
from services.optimizer.parse_objective import parse_objective
from services.optimizer.parse_size import refuse_too_large
from services.optimizer.parse_weights import parse_weights
from services.optimizer.price_snapshot import PriceSnapshot
from services.optimizer.problem import Problem
from services.optimizer.wire_date import parse_date

_MOST_ESTIMATION_DAYS = 20_000
_SMALLEST_RATE, _LARGEST_RATE = -0.1, 0.5

RULES = {
    messages.REBALANCE_RULE_UNSPECIFIED: Rule.MONTHLY,
    messages.REBALANCE_RULE_MONTHLY: Rule.MONTHLY,
    messages.REBALANCE_RULE_QUARTERLY: Rule.QUARTERLY,
    messages.REBALANCE_RULE_YEARLY: Rule.YEARLY,
    messages.REBALANCE_RULE_DRIFT: Rule.DRIFT,
    messages.REBALANCE_RULE_NEVER: Rule.NEVER,
}


def parse_backtest(
    message: messages.RunBacktestRequest, market: Market, prices: PriceSnapshot, checks: Checks
) -> BacktestJob:
    """Return the job. Raises InvalidRequest with every fault, those noted in `checks` before included."""
    refuse_too_large(message)
    _refuse_hindsight(message, checks)
    problem = parse_problem(message.problem, market, checks)
    ids = [product.id for product in problem.products]
    if message.drift_band != 0.0 and not 0.0 < message.drift_band < 1.0:
        checks.refuse("drift_band", f"found {message.drift_band:g}, expected a number above 0 and below 1")
    if message.estimation_days != 0:
        checks.number("estimation_days", message.estimation_days, MIN_DAYS, _MOST_ESTIMATION_DAYS)
    checks.number("cash_return", message.cash_return, _SMALLEST_RATE, _LARGEST_RATE)
    checks.number("cash_kept", message.cash_kept, 0.0, 1.0)
    strategy = _strategy(message, problem, checks)
    benchmark = parse_weights("benchmark", message.benchmark, ids, checks) if message.benchmark else None
    rule = chosen("rule", message.rule, RULES, checks)
    start = parse_date("start", message.start, checks) if message.HasField("start") else None
    end = parse_date("end", message.end, checks) if message.HasField("end") else None
    checks.raise_any()
    return BacktestJob(
        problem=problem,
        history=prices.panel.history(ids),
        strategy=strategy,
        estimation=prices.estimation,
        estimation_days=message.estimation_days or DEFAULT_ESTIMATION_DAYS,
        costs=np.array([product.trading_cost for product in message.problem.products]),
        rule=rule,
        band=message.drift_band or DEFAULT_BAND,
        cash_return=message.cash_return,
        cash_kept=message.cash_kept,
        benchmark=benchmark,
        start=start,
        end=end,
        notes=_notes(prices.panel, problem),
    )


def _refuse_hindsight(message: messages.RunBacktestRequest, checks: Checks) -> None:
    if message.problem.HasField("estimates"):
        checks.refuse("problem.estimates", "a back-test estimates from the prices before each day; leave it out")
    if message.problem.current_weights:
        checks.refuse("problem.current_weights", "a back-test starts in cash; leave it out")


def _strategy(message: messages.RunBacktestRequest, problem: Problem, checks: Checks) -> Wanted | Vector:
    ids = [product.id for product in problem.products]
    match message.WhichOneof("strategy"):
        case "objective":
            return parse_objective(message.objective, checks, ids)
        case "fixed":
            return parse_weights("fixed.weights", message.fixed.weights, ids, checks)
        case _:
            checks.refuse("strategy", "missing; set objective or fixed")
            return EqualWeight()


def _notes(panel: PricePanel, problem: Problem) -> tuple[str, ...]:
    """Say which products begin after others and so shorten what all share, and which days some of them lack."""
    return (*_late(panel, problem), *_gaps(panel, problem))


def _late(panel: PricePanel, problem: Problem) -> tuple[str, ...]:
    first = {product.id: panel.first_day(product.id) for product in problem.products}
    earliest, latest = min(first.values()), max(first.values())
    if earliest == latest:
        return ()
    late = ", ".join(name for name, day in first.items() if day == latest)
    return (f"prices of {late} begin on {latest}; the days before, from {earliest} on, are not used",)


def _gaps(panel: PricePanel, problem: Problem) -> tuple[str, ...]:
    gaps = panel.gaps([product.id for product in problem.products])
    if not gaps.missing:
        return ()
    return (f"{gaps.in_words()}; nothing is filled in, and the moves over these days are no daily returns",)
