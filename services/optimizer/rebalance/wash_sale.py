"""The wash-sale rule: a loss does not count as far as the same product is bought within 30 days before or after.

Purchases count in every account we are told of, retirement accounts included (Rev. Rul. 2008-5).
Source: 26 U.S.C. 1091; 26 CFR 1.1091-1; IRS Publication 550, chapter 4, "Wash Sales".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from services.optimizer.rebalance.lots import Pick
from services.optimizer.rebalance.problem import ZERO, RebalanceProblem

WINDOW = timedelta(days=30)


def bought_before(problem: RebalanceProblem) -> Mapping[str, Decimal]:
    """Return, by product, the units bought in the 30 days up to the day of the trades, in any account.

    A lot acquired in the window is a purchase even where past_trades lacks it; the two are not counted twice.
    """
    told: defaultdict[tuple[str, str, date], Decimal] = defaultdict(Decimal)
    seen: defaultdict[tuple[str, str, date], Decimal] = defaultdict(Decimal)
    for trade in problem.past_trades:
        if trade.units > ZERO and is_in_window(trade.day, problem.day):
            told[trade.product, trade.account, trade.day] += trade.units
    for lot in problem.lots:
        if is_in_window(lot.acquired, problem.day):
            seen[lot.product, lot.account, lot.acquired] += lot.units
    bought: defaultdict[str, Decimal] = defaultdict(Decimal)
    for key in told.keys() | seen.keys():
        bought[key[0]] += max(told.get(key, ZERO), seen.get(key, ZERO))
    return bought


def replacement_units(
    problem: RebalanceProblem, bought: Mapping[str, Decimal], product: str, sold: Iterable[Pick], today: Decimal
) -> Decimal:
    """Return how many units replace those of the product that are sold.

    bought: as `bought_before` says.  sold: all picks of the product today.  today: units of it bought today.
    Units that were bought in the window and are sold again replace nothing: what the rule takes from one loss it
    adds to their basis, and their own sale gives it back. In a retirement account it would be lost for good.
    """
    given_back = sum(
        (
            pick.units
            for pick in sold
            if is_in_window(pick.lot.acquired, problem.day) and pick.lot.account not in problem.retirement
        ),
        ZERO,
    )
    return max(ZERO, bought.get(product, ZERO) - given_back) + today


def split(losses: Sequence[Pick], replaced: Decimal) -> tuple[tuple[Pick, bool], ...]:
    """Return the picks, cut where needed, each with whether its loss is disallowed.

    losses: picks of one product sold at a loss.  Units are matched one to one, those acquired first come first:
    26 CFR 1.1091-1(b) to (d).
    """
    parts: list[tuple[Pick, bool]] = []
    for pick in sorted(losses, key=lambda item: (item.lot.acquired, item.lot.id)):
        washed = min(pick.units, replaced)
        replaced -= washed
        if washed > ZERO:
            parts.append((Pick(pick.lot, washed), True))
        if pick.units > washed:
            parts.append((Pick(pick.lot, pick.units - washed), False))
    return tuple(parts)


def sold_at_loss(problem: RebalanceProblem) -> Mapping[str, date]:
    """Return the products sold at a loss in the 30 days before, each with the last day of such a sale.

    Buying them today, in any account, would disallow that loss. In a retirement account it would be lost for good,
    because what the rule takes is not added to the basis there (Rev. Rul. 2008-5).
    """
    last: dict[str, date] = {}
    for trade in problem.past_trades:
        if trade.at_loss and trade.account not in problem.retirement and is_in_window(trade.day, problem.day):
            last[trade.product] = max(trade.day, last.get(trade.product, trade.day))
    return last


def is_in_window(day: date, trade_day: date) -> bool:
    """Return whether a day lies in the 30 days before the trades or is that day."""
    return trade_day - WINDOW <= day <= trade_day
