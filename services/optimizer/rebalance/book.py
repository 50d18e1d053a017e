"""The books while orders are drawn up: what each account holds and has in cash, and what is still missing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from services.optimizer.rebalance.drift import asks_for_trades, target_amounts
from services.optimizer.rebalance.lots import Pick, in_order, take
from services.optimizer.rebalance.problem import ZERO, Lot, RebalanceProblem
from services.optimizer.rebalance.proposal import Purpose
from services.optimizer.rebalance.rounding import FRACTION, round_down
from services.optimizer.rebalance.wash_sale import bought_before, sold_at_loss

Place = tuple[str, str]


@dataclass
class Order:
    """Units of an account's product to buy (above 0) or sell (below 0), and why it was begun."""

    units: Decimal
    purpose: Purpose


class Book:
    """Orders are added one by one; no product is ever both bought and sold, in whatever accounts.

    This is what keeps today's purchases from washing today's losses. Under taxes nothing is bought that was sold at a
    loss in the 30 days before.
    """

    def __init__(self, problem: RebalanceProblem) -> None:
        self.problem = problem
        self.target = target_amounts(problem)
        self.cash_target = problem.worth - sum(self.target.values(), ZERO)
        self.cash = {account.id: account.cash for account in problem.accounts}
        self.first = problem.accounts[0].id
        self.cash[self.first] += problem.cash_flow
        self.orders: dict[Place, Order] = {}
        self.stand_ins: set[str] = set()
        self.bought: set[str] = set()
        self.sold: set[str] = set()
        self.bought_before = bought_before(problem) if problem.tax else {}
        self.sold_at_loss = sold_at_loss(problem) if problem.tax else {}
        self.notes: list[str] = []
        self.gains: dict[str, Decimal] = {}
        self.gains_unknown: set[str] = set()
        self.small_trades: set[str] = set()
        self._units: defaultdict[str, Decimal] = defaultdict(Decimal)
        by_place: defaultdict[Place, list[Lot]] = defaultdict(list)
        for lot in problem.lots:
            self._units[lot.product] += lot.units
            by_place[lot.account, lot.product].append(lot)
        self.lot_accounts = {lot.id: lot.account for lot in problem.lots}
        self.lot_products = {lot.id: lot.product for lot in problem.lots}
        self._lots = {
            place: in_order(lots, problem.lot_order, problem.specific_lots) for place, lots in by_place.items()
        }

    def held(self) -> dict[str, Decimal]:
        """Return the worth of every product over all accounts."""
        return {name: self._units[name] * product.price for name, product in self.problem.by_id.items()}

    def gap(self, product: str) -> Decimal:
        """Return what is missing of the product (above 0) or too much (below 0), as an amount."""
        return self.target[product] - self._units[product] * self.problem.by_id[product].price

    def units(self, product: str) -> Decimal:
        """Return the units of the product over all accounts."""
        return self._units[product]

    def bought_today(self, product: str) -> Decimal:
        """Return the units of the product that the orders buy, over all accounts."""
        found = (self.orders.get((account, product)) for account in self.cash)
        return sum((max(order.units, ZERO) for order in found if order), ZERO)

    def asks_for_trades(self) -> bool:
        """Return whether drift or a band asks for trades as things stand."""
        return asks_for_trades(self.problem, self.held(), self.target, sum(self.cash.values(), ZERO))

    def lots(self, account: str, product: str) -> tuple[Lot, ...]:
        """Return the lots that may be sold, first to last."""
        return self._lots.get((account, product), ())

    def picks(self, account: str, product: str, units: Decimal | None = None) -> tuple[Pick, ...]:
        """Return the next picks of a sale of so many more units; None: of all that may be sold."""
        taken = {pick.lot.id: pick.units for pick in self.all_picks(account, product)}
        lots = self.lots(account, product)
        wanted = sum((lot.units - taken.get(lot.id, ZERO) for lot in lots), ZERO) if units is None else units
        return take(lots, wanted, taken)

    def all_picks(self, account: str, product: str) -> tuple[Pick, ...]:
        """Return the picks of the order as it stands, one for each lot."""
        order = self.orders.get((account, product))
        if order is None or order.units > ZERO:
            return ()
        return take(self.lots(account, product), -order.units, {})

    def sellable(self, account: str, product: str) -> Decimal:
        """Return how many more units can be sold, in tradable units; what is bought today is not sold."""
        if product in self.bought or (account, product) not in self._lots:
            return ZERO
        free = sum((pick.units for pick in self.picks(account, product)), ZERO)
        return self.tradable(product, free)

    def tradable(self, product: str, units: Decimal) -> Decimal:
        """Return the units rounded down to whole lots; holdings of any fraction can be sold as they are."""
        lot_size = self.problem.by_id[product].lot_size
        return round_down(units, lot_size) if lot_size else units

    def fee(self, account: str, product: str) -> Decimal:
        """Return the fixed fee of a further trade: an order that is there already has paid it."""
        return ZERO if (account, product) in self.orders else self.problem.by_id[product].ticket_fee

    def outlay(self, account: str, product: str, units: Decimal) -> Decimal:
        """Return what buying costs with all costs, or what selling (units below 0) brings, as a negative amount."""
        item = self.problem.by_id[product]
        amount = units * item.price
        return amount + abs(amount) * item.trading_cost + self.fee(account, product)

    def trade(self, account: str, product: str, units: Decimal, purpose: Purpose) -> Decimal:
        """Add units to buy (above 0) or sell (below 0) to the orders; return the outlay."""
        outlay = self.outlay(account, product, units)
        order = self.orders.setdefault((account, product), Order(ZERO, purpose))
        order.units += units
        self.cash[account] -= outlay
        self._units[product] += units
        (self.bought if units > ZERO else self.sold).add(product)
        self.gains_unknown.add(product)
        return outlay

    def is_too_small(self, account: str, product: str, units: Decimal) -> bool:
        """Return whether the order would be below the smallest trade, and remember it for the notes."""
        order = self.orders.get((account, product))
        total = abs(units) + (abs(order.units) if order else ZERO)
        price = self.problem.by_id[product].price
        if total * price >= self.problem.min_trade:
            return False
        if units > FRACTION:
            self.small_trades.add(product)
        return True

    def spare(self) -> dict[str, Decimal]:
        """Return the cash of every account beyond what is kept; the first accounts keep it as far as they can."""
        kept = self.cash_target
        spare: dict[str, Decimal] = {}
        for account, cash in self.cash.items():
            keep = min(max(cash, ZERO), max(kept, ZERO))
            kept -= keep
            spare[account] = cash - keep
        return spare

    def note(self, text: str) -> None:
        """Remember what held the trades back; said once."""
        if text not in self.notes:
            self.notes.append(text)

    def let_stand_in(self, product: str, replacement: str) -> None:
        """Move what is still missing of a product to its replacement."""
        missing = self.gap(product)
        if missing > ZERO:
            self.target[product] -= missing
            self.target[replacement] += missing
            self.stand_ins.add(replacement)

    def replacement(self, product: str) -> str | None:
        """Return the first replacement whose purchase today disallows no loss, or None."""
        return next((name for name in self.problem.by_id[product].replacements if self.may_be_bought(name)), None)

    def may_be_bought(self, product: str) -> bool:
        """Return whether buying it today, in any account, disallows no loss that is known."""
        return product not in self.sold and product not in self.sold_at_loss
