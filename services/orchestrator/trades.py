"""Purchases and sales that lead from today's holdings to the proposed lines, in money, exactly adding up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Literal

from services.orchestrator.allocation import AllocationLine
from services.orchestrator.holdings import CurrentPortfolio
from services.orchestrator.money import Money

TradeSide = Literal["BUY", "SELL"]
# Brokers that deal in parts of a unit do so to four decimals; rounding down never spends more than there is.
_UNIT_STEP = Decimal("0.0001")


@dataclass(frozen=True)
class Trade:
    """One purchase or sale; the amount is above zero, units are known where a price is."""

    product_id: str
    side: TradeSide
    amount: Money
    units: Decimal | None


def trades(current: CurrentPortfolio, lines: tuple[AllocationLine, ...]) -> tuple[Trade, ...]:
    """Return sales, then purchases, the largest first; purchases equal sales plus cash exactly."""
    targets = {line.product_id: line.value.amount for line in lines}
    keys = [*(position.key for position in current.positions), *targets]
    made = [trade for key in dict.fromkeys(keys) for trade in _trade(current, key, targets.get(key, Decimal(0)))]
    return tuple(sorted(made, key=lambda trade: (trade.side == "BUY", -trade.amount.amount, trade.product_id)))


def turnover(current: CurrentPortfolio, lines: tuple[AllocationLine, ...]) -> float:
    """Return the share of the portfolio that is bought, as the optimizer's limit counts it.

    With cash as one more position this is half the sum of absolute changes.
    """
    return sum(max(line.weight - current.weight(line.product_id), 0.0) for line in lines)


def _trade(current: CurrentPortfolio, key: str, target: Decimal) -> Iterator[Trade]:
    position = current.position(key)
    held = Decimal(0) if position is None else position.value.amount
    change = target - held
    if change == 0:
        return
    amount = Money(current.total.currency, abs(change))
    units = None
    if position is not None and position.price is not None and position.units is not None:
        whole = target == 0
        units = position.units if whole else (amount.amount / position.price.amount).quantize(_UNIT_STEP, ROUND_DOWN)
    yield Trade(key, "BUY" if change > 0 else "SELL", amount, units)
