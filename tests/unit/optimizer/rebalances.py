"""Small rebalancing problems whose trades can be worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from services.optimizer.rebalance.problem import (
    Account,
    Lot,
    PastTrade,
    RebalanceProblem,
    TaxProfile,
    Traded,
)
from services.optimizer.rebalance.proposal import Proposal, Shortfall
from services.optimizer.rebalance.propose import propose

TODAY = date(2026, 6, 15)
LONG_AGO = date(2020, 1, 2)
TAX = TaxProfile(short_term_rate=Decimal("0.37"), long_term_rate=Decimal("0.15"))
WITH_IRA = (Account("main", Decimal(0)), Account("ira", Decimal(0), is_retirement=True))


def dec(value: float | str) -> Decimal:
    """Return the exact decimal of what is written."""
    return Decimal(str(value))


def days_ago(count: int) -> date:
    """Return the day so long before the trades."""
    return TODAY - timedelta(days=count)


def traded(name: str, price: float = 10, lot: float = 0, asset_class: str = "equity", **more: Any) -> Traded:
    """Return a product without costs."""
    terms = {key: dec(value) for key, value in more.items() if key != "replacements"}
    return Traded(name, asset_class, dec(price), dec(lot), replacements=tuple(more.get("replacements", ())), **terms)


PAIR = [traded("S", replacements=["R"]), traded("R"), traded("B", asset_class="bond")]


def lot(
    name: str, product: str, units: float, cost: float = 10, acquired: date = LONG_AGO, account: str = "main"
) -> Lot:
    """Return a lot in the main account."""
    return Lot(name, account, product, dec(units), dec(cost), acquired)


def past(product: str, units: float, day: date, at_loss: bool = False, account: str = "main") -> PastTrade:
    """Return an earlier trade in the main account."""
    return PastTrade(account, product, day, dec(units), at_loss)


def problem(
    products: list[Traded], lots: list[Lot], target: Mapping[str, float], cash: float = 0, **more: Any
) -> RebalanceProblem:
    """Return a problem with a main account holding the cash."""
    accounts = more.pop("accounts", None) or (Account("main", dec(cash)),)
    weights = {name: dec(weight) for name, weight in target.items()}
    exact: dict[str, Any] = {
        key: dec(value) if isinstance(value, int | float) else value for key, value in more.items()
    }
    return RebalanceProblem(tuple(products), tuple(accounts), tuple(lots), weights, TODAY, **exact)


def proposed(given: RebalanceProblem) -> Proposal:
    """Return the proposal, for problems that have one."""
    answer = propose(given)
    assert not isinstance(answer, Shortfall)
    return answer


def orders(proposal: Proposal) -> dict[tuple[str, str], Any]:
    """Return units and purpose by account and product."""
    return {(trade.account, trade.product): (trade.units, trade.purpose.value) for trade in proposal.trades}
