"""Sells what is too much, within the tax budget, and what a withdrawal needs."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from services.optimizer.rebalance.accounting import realised
from services.optimizer.rebalance.book import Book
from services.optimizer.rebalance.lots import units_within
from services.optimizer.rebalance.problem import ZERO, LotOrder
from services.optimizer.rebalance.proposal import Purpose
from services.optimizer.rebalance.rounding import FRACTION, round_down, round_up

BUDGET_FIELD = "tax.max_realised_gain"


def sell_overweight(book: Book) -> None:
    """Sell down to the target what is above it: losses and cheap gains first, retirement accounts first."""
    held_back = ZERO
    accounts = _accounts(book)
    overweight = [name for name in book.target if book.gap(name) < ZERO and name not in book.bought]
    for product in sorted(overweight, key=lambda name: (_gain_share(book, accounts, name), book.gap(name), name)):
        wanted, is_cut = _excess_units(book, product), False
        _note_unlisted(book, product, wanted)
        for account in accounts:
            units = min(wanted, book.sellable(account, product))
            allowed = _within_budget(book, account, product, units)
            if allowed > ZERO and not _is_pointless(book, account, product, allowed):
                book.trade(account, product, -allowed, Purpose.TARGET)
                wanted -= allowed
            is_cut = is_cut or allowed < units
        held_back += wanted * book.problem.by_id[product].price if is_cut else ZERO
    if held_back > ZERO:
        book.note(f"{BUDGET_FIELD}: {held_back:.2f} of sales with gains were left out to stay within the budget")


def fund_withdrawal(book: Book) -> Decimal:
    """Sell in the first account until its cash is not below zero: first what is overweight, then anything.

    The money is owed, so where the tax budget does not suffice it is exceeded, with a note.
    Returns what the account cannot raise, at least 0.
    """
    if book.cash[book.first] >= ZERO:
        return ZERO
    products = sorted(
        book.target, key=lambda name: (min(book.gap(name), ZERO), _gain_share(book, [book.first], name), name)
    )
    _raise_cash(book, products, lambda name: _within_budget(book, book.first, name, _excess_units(book, name)))
    _raise_cash(book, products, lambda name: _within_budget(book, book.first, name, book.units(name)))
    if _raise_cash(book, products, book.units):
        book.note(f"{BUDGET_FIELD}: exceeded, because cash_flow takes out more than other sales bring")
    return max(ZERO, -book.cash[book.first])


def _note_unlisted(book: Book, product: str, wanted: Decimal) -> None:
    if book.problem.lot_order is not LotOrder.SPECIFIC:
        return
    if sum((book.sellable(account, product) for account in book.cash), ZERO) < wanted:
        book.note(f"specific_lot_ids: {product} is above its target by more than the listed lots hold")


def _raise_cash(book: Book, products: list[str], limit: Callable[[str], Decimal]) -> bool:
    """Sell up to the limit of each product until the cash suffices; return whether anything was sold."""
    sold = False
    for product in products:
        needed = -book.cash[book.first]
        if needed <= ZERO:
            break
        item = book.problem.by_id[product]
        enough = (needed + book.fee(book.first, product)) / (item.price * (1 - item.trading_cost))
        tradable = book.tradable(product, min(book.sellable(book.first, product), limit(product)))
        units = min(round_up(enough, item.lot_size), tradable)
        if units > ZERO and book.outlay(book.first, product, -units) < ZERO:
            book.trade(book.first, product, -units, Purpose.CASH_FLOW)
            sold = True
    return sold


def _accounts(book: Book) -> list[str]:
    """Return the accounts in the order of sales: under taxes, first those where gains are not taxed."""
    names = [account.id for account in book.problem.accounts]
    if book.problem.tax is None:
        return names
    return sorted(names, key=lambda name: name not in book.problem.retirement)


def _excess_units(book: Book, product: str) -> Decimal:
    """Return the tradable units above the target; all of them where nothing of the product is wanted."""
    item = book.problem.by_id[product]
    if book.target[product] == ZERO:
        return book.units(product)
    return max(ZERO, round_down(-book.gap(product) / item.price, item.lot_size))


def _gain_share(book: Book, accounts: list[str], product: str) -> Decimal:
    """Return the taxed gain in the money that the sale brings; 0 without taxes."""
    if book.problem.tax is None:
        return ZERO
    price, wanted = book.problem.by_id[product].price, book.units(product)
    if book.gap(product) < ZERO:
        wanted = _excess_units(book, product)
    gain, amount = ZERO, ZERO
    for account in accounts:
        picks = book.picks(account, product, min(wanted, book.sellable(account, product)))
        units = sum((pick.units for pick in picks), ZERO)
        wanted -= units
        amount += units * price
        if account not in book.problem.retirement:
            gain += sum((pick.gain(price) for pick in picks), ZERO)
    return gain / amount if amount else ZERO


def _within_budget(book: Book, account: str, product: str, units: Decimal) -> Decimal:
    """Return how many of the units the tax budget lets go."""
    tax = book.problem.tax
    if tax is None or tax.max_realised_gain is None or account in book.problem.retirement:
        return units
    budget = tax.max_realised_gain - realised(book)
    # A loss makes room for gains only where no purchase of the last 30 days can disallow it.
    losses_count = not book.bought_before.get(product)
    picks = book.picks(account, product, min(units, book.sellable(account, product)))
    within = units_within(picks, book.problem.by_id[product].price, budget, losses_count)
    if within == sum((pick.units for pick in picks), ZERO):
        return units
    return round_down(within, book.problem.by_id[product].lot_size)


def _is_pointless(book: Book, account: str, product: str, units: Decimal) -> bool:
    """Return whether a sale is too small, or brings less than it costs."""
    if units <= FRACTION and units < book.units(product):
        return True
    return book.is_too_small(account, product, units) or book.outlay(account, product, -units) >= ZERO
