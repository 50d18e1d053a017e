"""Walk forward through past prices: hold, and on some days trade to a new target, paying for it.

On a trading day the target comes from the prices of the days before it, and the trades are done at that day's
prices. Drift is judged by the prices of the day before, too. So no day's result depends on a later price.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from services.optimizer.backtest.rules import Rule, drift, is_calendar_day
from services.optimizer.history import DAYS_PER_YEAR, History, Vector

# The cost depends on the amounts and those on what is left after the cost; each round shrinks the error a hundredfold.
_COST_ROUNDS = 30

Decide = Callable[[History, Vector | None], Vector | None]
"""Given the prices before a day and the weights held, None at the start: the new weights, one in sum; None: keep."""


@dataclass(frozen=True, eq=False)
class Terms:
    """When and how trades are done.

    costs: (n,), fractions of the amount traded.  cash_return: yearly.  cash_kept: share of the worth, 0 to 1.
    """

    rule: Rule
    costs: Vector
    band: float
    cash_return: float = 0.0
    cash_kept: float = 0.0


@dataclass(frozen=True, eq=False)
class Trade:
    """A rebalancing: row of the history, weights from then on, (n,), turnover and cost, fractions of the worth."""

    row: int
    weights: Vector
    turnover: float
    cost: float


@dataclass(frozen=True, eq=False)
class Walk:
    """Worth on each day from the first trade on, the first day 1 before costs, and the rebalancings."""

    values: Vector
    trades: tuple[Trade, ...]
    kept_rows: tuple[int, ...]


def walk(history: History, first: int, decide: Decide, terms: Terms) -> Walk | None:
    """Return what would have happened from row `first` to the end of the history; None without a target at first."""
    target = decide(history.before(first), None)
    if target is None:
        return None
    wanted = (1.0 - terms.cash_kept) * target
    holdings, cash, trade = _traded(first, np.zeros(len(target)), 1.0, wanted, terms.costs)
    values, trades, kept = [1.0], [trade], []
    is_due = is_calendar_day(terms.rule, history.dates)
    growth = history.prices[1:] / history.prices[:-1]
    cash_growth = (1.0 + terms.cash_return) ** (history.steps() / DAYS_PER_YEAR)
    for row in range(first + 1, len(history)):
        before = holdings / (holdings.sum() + cash)
        holdings, cash = holdings * growth[row - 1], cash * float(cash_growth[row - 1])
        if is_due[row] or (terms.rule is Rule.DRIFT and drift(before, wanted) > terms.band):
            target = decide(history.before(row), before)
            if target is None:
                kept.append(row)
            else:
                wanted = (1.0 - terms.cash_kept) * target
                holdings, cash, trade = _traded(row, holdings, cash, wanted, terms.costs)
                trades.append(trade)
        values.append(float(holdings.sum() + cash))
    return Walk(np.array(values), tuple(trades), tuple(kept))


def _traded(row: int, holdings: Vector, cash: float, wanted: Vector, costs: Vector) -> tuple[Vector, float, Trade]:
    """Return holdings, cash and the trade that make the weights `wanted` after its own cost."""
    worth = float(holdings.sum() + cash)
    left = worth
    for _ in range(_COST_ROUNDS):
        left = worth - float(costs @ np.abs(wanted * left - holdings))
    turnover = drift(holdings / worth, wanted)
    bought = wanted * left
    return bought, left - float(bought.sum()), Trade(row, wanted, turnover, (worth - left) / worth)
