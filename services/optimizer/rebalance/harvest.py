"""Sells lots at a loss so that the loss counts, and buys a replacement: only for clients of the United States."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import takewhile

from services.optimizer.rebalance.book import Book
from services.optimizer.rebalance.lots import Pick
from services.optimizer.rebalance.problem import ZERO
from services.optimizer.rebalance.proposal import Purpose
from services.optimizer.rebalance.purchases import buy
from services.optimizer.rebalance.wash_sale import replacement_units

FIELD = "tax.harvest_losses"

_Picks = dict[str, tuple[Pick, ...]]


def harvest(book: Book) -> None:
    """Sell lots whose loss is worth it and is certain to count as far as is known; buy replacements.

    Which lots a sale takes is what the lot order says, here as everywhere: a lot behind one with a gain stays.
    A product of which units bought within 30 days would stay, in any account, is left alone: part of its loss would
    be disallowed. So is one whose replacement cannot be bought. The largest loss goes first.
    """
    candidates = {product: picks for product in book.target if (picks := _worthwhile(book, product))}
    for product in sorted(candidates, key=lambda name: (_gain(book, name, candidates[name]), name)):
        _harvest_product(book, product, candidates[product])


def _harvest_product(book: Book, product: str, picks: _Picks) -> None:
    all_picks = [pick for part in picks.values() for pick in part]
    if product in book.stand_ins:
        return  # What replaces a product harvested before it is not sold.
    today = book.bought_today(product)
    if replacement_units(book.problem, book.bought_before, product, all_picks, today) > ZERO:
        book.note(f"{FIELD}: {product} is not harvested, units bought within 30 days would make it a wash sale")
        return
    remaining = book.units(product) - sum((pick.units for pick in all_picks), ZERO)
    is_wanted = book.target[product] > remaining * book.problem.by_id[product].price
    replacement = book.replacement(product) if is_wanted else None
    if is_wanted and replacement is None:
        book.note(f"{FIELD}: {product} is not harvested, none of its replacement_ids can be bought today")
        return
    before = dict(book.cash)
    for account, part in picks.items():
        book.trade(account, product, -sum((pick.units for pick in part), ZERO), Purpose.HARVEST)
    if replacement is not None:
        _replace(book, product, replacement, before)


def _replace(book: Book, product: str, replacement: str, before: dict[str, Decimal]) -> None:
    """Spend what the harvest brought on the replacement."""
    book.let_stand_in(product, replacement)
    book.note(f"{FIELD}: {replacement} replaces {product}; drift_after counts it as the product it stands in for")
    proceeds = {account: min(cash - before[account], cash) for account, cash in book.cash.items()}
    buy(book, {name: money for name, money in proceeds.items() if money > ZERO}, Purpose.REPLACEMENT, {replacement})


def _worthwhile(book: Book, product: str) -> _Picks:
    """Return, by account, the next lots of the product that are worth harvesting, as whole tradable units."""
    tax = book.problem.tax
    if tax is None:
        return {}
    price = book.problem.by_id[product].price
    found: _Picks = {}
    for account in book.cash:
        if account in book.problem.retirement:
            continue
        free = book.picks(account, product)
        count = _worth_selling([pick.gain(price) for pick in free], tax.min_harvest_loss)
        if any(_is_worth_it(pick.gain(price), tax.min_harvest_loss) for pick in free[count:]):
            order = book.problem.lot_order.name
            book.note(f"{FIELD}: losses of {product} stay, lot_selection {order} sells lots with a gain before them")
        units = book.tradable(product, sum((pick.units for pick in free[:count]), ZERO))
        too_small = book.is_too_small(account, product, units)
        if units > ZERO and not too_small and book.outlay(account, product, -units) < ZERO:
            found[account] = book.picks(account, product, units)
    return found


def _worth_selling(gains: Sequence[Decimal], least: Decimal) -> int:
    """Return how many lots, in the order of sale, a harvest takes: none that gains, the last one worth it.

    Smaller losses before a larger one go with it: the order leaves no way past them.
    """
    losses = list(takewhile(lambda gain: gain <= ZERO, gains))
    return max((i + 1 for i, gain in enumerate(losses) if _is_worth_it(gain, least)), default=0)


def _is_worth_it(gain: Decimal, least: Decimal) -> bool:
    return gain < ZERO and -gain >= least


def _gain(book: Book, product: str, picks: _Picks) -> Decimal:
    price = book.problem.by_id[product].price
    return sum((pick.gain(price) for part in picks.values() for pick in part), ZERO)
