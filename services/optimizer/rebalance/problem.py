"""A rebalancing problem: what is held in which account, what is wanted, and what limits the trades.

Money, prices and units are exact decimals: a cent must not appear or vanish between orders, lots and cash.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import cached_property

ZERO = Decimal(0)
# Requests carry up to 12 digits before and after the point: products of units, price and cost rate stay exact.
PRECISION = 80


class LotOrder(Enum):
    """Which lots are sold first: highest cost, oldest, newest, or as listed."""

    HIFO = "hifo"
    FIFO = "fifo"
    LIFO = "lifo"
    SPECIFIC = "specific"


@dataclass(frozen=True)
class Traded:
    """A product as it is traded.

    price, ticket_fee: base currency.  lot_size: units are traded in multiples of it; 0: any fraction.
    trading_cost: fraction of the amount.  replacements: products that may stand in for it, best first.
    """

    id: str
    asset_class: str
    price: Decimal
    lot_size: Decimal = ZERO
    trading_cost: Decimal = ZERO
    ticket_fee: Decimal = ZERO
    replacements: tuple[str, ...] = ()


@dataclass(frozen=True)
class Account:
    """An account with its cash; gains inside a retirement account are not taxed."""

    id: str
    cash: Decimal
    is_retirement: bool = False


@dataclass(frozen=True)
class Lot:
    """Units bought at one time; unit_cost in the base currency."""

    id: str
    account: str
    product: str
    units: Decimal
    unit_cost: Decimal
    acquired: date


@dataclass(frozen=True)
class PastTrade:
    """An earlier purchase (units above 0) or sale (below 0)."""

    account: str
    product: str
    day: date
    units: Decimal
    at_loss: bool = False


@dataclass(frozen=True)
class TaxProfile:
    """Taxes of a United States client; rates are fractions, gains and losses in the base currency."""

    short_term_rate: Decimal
    long_term_rate: Decimal
    max_realised_gain: Decimal | None = None
    harvests_losses: bool = False
    min_harvest_loss: Decimal = ZERO


@dataclass(frozen=True)
class RebalanceProblem:
    """Everything that trades are derived from.

    target: weight by product, summing to at most one; what is left is cash.  cash_kept, max_drift: fractions.
    cash_flow: paid into (above 0) or out of (below 0) the first account.  bands: by asset class.
    """

    products: tuple[Traded, ...]
    accounts: tuple[Account, ...]
    lots: tuple[Lot, ...]
    target: Mapping[str, Decimal]
    day: date
    cash_kept: Decimal = ZERO
    cash_flow: Decimal = ZERO
    min_trade: Decimal = ZERO
    max_drift: Decimal = ZERO
    bands: Mapping[str, Decimal] | None = None
    lot_order: LotOrder = LotOrder.HIFO
    specific_lots: tuple[str, ...] = ()
    tax: TaxProfile | None = None
    past_trades: tuple[PastTrade, ...] = ()

    @cached_property
    def by_id(self) -> Mapping[str, Traded]:
        """The products by their id, sorted: nothing may depend on the order of a request."""
        return {product.id: product for product in sorted(self.products, key=lambda item: item.id)}

    @cached_property
    def retirement(self) -> frozenset[str]:
        """The retirement accounts."""
        return frozenset(account.id for account in self.accounts if account.is_retirement)

    @cached_property
    def worth(self) -> Decimal:
        """Worth of everything, the cash flow included."""
        held = sum((lot.units * self.by_id[lot.product].price for lot in self.lots), ZERO)
        return held + sum((account.cash for account in self.accounts), ZERO) + self.cash_flow
