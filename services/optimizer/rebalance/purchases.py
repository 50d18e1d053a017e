"""Buys what is missing with the cash there is."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

from services.optimizer.rebalance.book import Book
from services.optimizer.rebalance.problem import ZERO
from services.optimizer.rebalance.proposal import Purpose
from services.optimizer.rebalance.rounding import LotChoice, extra_lots, round_down
from services.optimizer.rebalance.wash_sale import WINDOW


def buy(book: Book, money: dict[str, Decimal], purpose: Purpose, only: Collection[str] | None = None) -> None:
    """Buy what is missing, the largest gap first, so that small amounts make few orders.

    money: by account, at most what it has; the outlays are taken from it.  only: the products that may be bought.
    """
    for account in money:
        for product in _missing(book, only):
            units = _affordable(book, account, product, money[account])
            if units > ZERO and not book.is_too_small(account, product, units):
                money[account] -= book.trade(account, product, units, _purpose(book, product, purpose))
    for account, cash in money.items():
        for product in extra_lots(_choices(book, account, only), cash):
            lot = book.problem.by_id[product].lot_size
            money[account] -= book.trade(account, product, lot, _purpose(book, product, purpose))


def avoid_washing_past_losses(book: Book) -> None:
    """Let replacements stand in for what was sold at a loss lately; without one, say why cash is left."""
    for product, day in sorted(book.sold_at_loss.items()):
        if product not in book.problem.by_id or product in book.sold or book.gap(product) <= ZERO:
            continue
        replacement = book.replacement(product)
        if replacement is None:
            book.note(
                f"past_trades: {product} was sold at a loss within 30 days and none of its replacement_ids can be "
                f"bought instead; buying it up to {day + WINDOW} would disallow that loss, so it is bought in no "
                "account and what was meant for it stays cash"
            )
        else:
            book.let_stand_in(product, replacement)
            book.note(
                f"past_trades: {product} was sold at a loss within 30 days, so {replacement} is bought instead; "
                "drift_after counts it as the product it stands in for"
            )


def _missing(book: Book, only: Collection[str] | None) -> list[str]:
    gaps = {name: book.gap(name) for name in (book.target if only is None else only) if book.may_be_bought(name)}
    return sorted((name for name, gap in gaps.items() if gap > ZERO), key=lambda name: (-gaps[name], name))


def _affordable(book: Book, account: str, product: str, cash: Decimal) -> Decimal:
    """Return the tradable units that the gap asks for and the cash pays for."""
    item = book.problem.by_id[product]
    paid_for = (cash - book.fee(account, product)) / (item.price * (1 + item.trading_cost))
    return round_down(min(book.gap(product) / item.price, paid_for), item.lot_size)


def _choices(book: Book, account: str, only: Collection[str] | None) -> list[LotChoice]:
    """Return the lots that would bring a product past its target and still lessen what deviates overall."""
    choices: list[LotChoice] = []
    for product in _missing(book, only):
        lot = book.problem.by_id[product].lot_size
        if lot and not book.is_too_small(account, product, lot):
            choices.append(LotChoice(product, book.outlay(account, product, lot), book.gap(product)))
    return choices


def _purpose(book: Book, product: str, purpose: Purpose) -> Purpose:
    return Purpose.REPLACEMENT if product in book.stand_ins else purpose
