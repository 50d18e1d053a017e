"""What a rebalancing proposes: orders, the lots they sell, and what they lead to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum


class Purpose(Enum):
    """Why an order is there."""

    TARGET = "target"
    CASH_FLOW = "cash_flow"
    HARVEST = "harvest"
    REPLACEMENT = "replacement"


@dataclass(frozen=True)
class Trade:
    """One order: units and amount above 0 buy, below 0 sell; cost is at least 0."""

    account: str
    product: str
    units: Decimal
    amount: Decimal
    cost: Decimal
    purpose: Purpose


@dataclass(frozen=True)
class LotSale:
    """Units of a lot that are sold; gain below 0 is a loss, before the costs of the trade."""

    lot: str
    units: Decimal
    gain: Decimal
    is_long_term: bool
    is_wash_sale: bool


@dataclass(frozen=True)
class Taxes:
    """Gains that count, by holding period, losses that do not, and the tax that follows."""

    short_term_gain: Decimal
    long_term_gain: Decimal
    disallowed_loss: Decimal
    estimated_tax: Decimal


@dataclass(frozen=True)
class Shortfall:
    """The first account cannot raise what is taken out: this much is missing, in the base currency."""

    amount: Decimal


@dataclass(frozen=True)
class Proposal:
    """Trades, sales first, and what they lead to; weights_after by product, what they leave to one is cash."""

    drift_before: Decimal
    drift_after: Decimal
    triggered: bool
    trades: tuple[Trade, ...]
    lot_sales: tuple[LotSale, ...]
    taxes: Taxes
    trading_cost: Decimal
    cash_after: Decimal
    weights_after: Mapping[str, Decimal]
    notes: tuple[str, ...]
