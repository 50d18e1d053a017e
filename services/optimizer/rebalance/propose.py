"""From what is held to a target: withdrawals, harvests, new money, then sales, each only as far as it is needed."""

from __future__ import annotations

from decimal import Decimal, localcontext

from services.optimizer.rebalance.accounting import lot_sales, taxes
from services.optimizer.rebalance.book import Book
from services.optimizer.rebalance.drift import drift
from services.optimizer.rebalance.harvest import harvest
from services.optimizer.rebalance.problem import PRECISION, ZERO, RebalanceProblem
from services.optimizer.rebalance.proposal import LotSale, Proposal, Purpose, Shortfall, Trade
from services.optimizer.rebalance.purchases import avoid_washing_past_losses, buy
from services.optimizer.rebalance.sales import fund_withdrawal, sell_overweight
from services.optimizer.rebalance.wash_sale import WINDOW

KNOWLEDGE = (
    "tax: wash sales are checked over the accounts, lots and past_trades of this request only; accounts held "
    "elsewhere, those of a spouse, reinvested dividends, and whether products are substantially identical are not known"
)


def propose(problem: RebalanceProblem) -> Proposal | Shortfall:
    """Return the trades of the day and what they lead to, or what a withdrawal lacks."""
    with localcontext() as context:
        context.prec = PRECISION
        book = Book(problem)
        before = drift(book.held(), book.target, sum(book.cash.values(), ZERO), problem.worth, problem.worth)
        triggered = book.asks_for_trades()
        missing = fund_withdrawal(book)
        if missing > ZERO:
            return Shortfall(missing)
        _draw_up(book, triggered)
        return _proposal(book, before, triggered)


def _draw_up(book: Book, triggered: bool) -> None:
    """Fill the book with orders: harvests, new money, and what is then still needed."""
    problem = book.problem
    if problem.tax is not None and problem.tax.harvests_losses:
        harvest(book)
    if triggered or problem.cash_flow > ZERO:
        avoid_washing_past_losses(book)
    if problem.cash_flow > ZERO:
        new_money = max(ZERO, min(problem.cash_flow, book.spare()[book.first]))
        buy(book, {book.first: new_money}, Purpose.CASH_FLOW)
    if not triggered:
        book.note("max_drift: neither drift nor a band asks for trades, so nothing is sold to reach the target")
    elif book.asks_for_trades():
        sell_overweight(book)
        buy(book, {name: max(ZERO, money) for name, money in book.spare().items()}, Purpose.TARGET)
    else:
        book.note("max_drift: after cash_flow and harvests, drift and bands ask for no more; nothing else is sold")


def _proposal(book: Book, before: Decimal, triggered: bool) -> Proposal:
    problem, held = book.problem, book.held()
    cash = sum(book.cash.values(), ZERO)
    worth = cash + sum(held.values(), ZERO)
    sales = lot_sales(book)
    trades = _trades(book)
    return Proposal(
        drift_before=before,
        drift_after=drift(held, book.target, cash, worth, problem.worth),
        triggered=triggered,
        trades=trades,
        lot_sales=sales,
        taxes=taxes(book, sales),
        trading_cost=sum((trade.cost for trade in trades), ZERO),
        cash_after=cash,
        weights_after={name: amount / worth for name, amount in held.items()},
        notes=_notes(book, sales),
    )


def _trades(book: Book) -> tuple[Trade, ...]:
    trades = []
    for (account, product), order in book.orders.items():
        item = book.problem.by_id[product]
        amount = order.units * item.price
        cost = abs(amount) * item.trading_cost + item.ticket_fee
        trades.append(Trade(account, product, order.units, amount, cost, order.purpose))
    return tuple(sorted(trades, key=lambda trade: (trade.units > ZERO, trade.account, trade.product)))


def _notes(book: Book, sales: tuple[LotSale, ...]) -> tuple[str, ...]:
    notes = list(book.notes)
    small = sorted(book.small_trades - book.bought - book.sold)
    if small:
        notes.append(f"min_trade: trades below {book.problem.min_trade:f} were left out, of {_listed(small)}")
    odd = sorted(name for name in book.problem.by_id if _odd_lot_left(book, name))
    if odd:
        notes.append(f"products.lot_size: less than a lot is left of {_listed(odd)}, which is not wanted")
    if book.problem.tax is not None:
        notes += _tax_notes(book, sales)
    return tuple(notes)


def _tax_notes(book: Book, sales: tuple[LotSale, ...]) -> list[str]:
    """Say what the wash-sale rule took, what it may still take, and what is not known."""
    notes: list[str] = []
    losses = [sale for sale in sales if sale.gain < ZERO and book.lot_accounts[sale.lot] not in book.problem.retirement]
    washed = sorted({book.lot_products[sale.lot] for sale in losses if sale.is_wash_sale})
    if washed:
        notes.append(f"past_trades: purchases within 30 days disallow losses of {_listed(washed)}, see lot_sales")
    counted = sorted({book.lot_products[sale.lot] for sale in losses if not sale.is_wash_sale})
    if counted:
        until = (book.problem.day + WINDOW).isoformat()
        notes.append(
            f"tax: buying {_listed(counted)} in any account up to {until}, reinvested dividends included, would "
            "disallow today's losses"
        )
    return [*notes, KNOWLEDGE]


def _odd_lot_left(book: Book, product: str) -> bool:
    item, left = book.problem.by_id[product], book.units(product)
    return product in book.sold and not book.problem.target.get(product) and ZERO < left < item.lot_size


def _listed(names: list[str], most: int = 10) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
