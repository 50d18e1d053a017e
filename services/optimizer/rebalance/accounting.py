"""What the orders realise: sales lot by lot, gains that count, losses that do not, the tax."""

from __future__ import annotations

from decimal import Decimal

from services.optimizer.rebalance.book import Book
from services.optimizer.rebalance.lots import Pick
from services.optimizer.rebalance.problem import ZERO
from services.optimizer.rebalance.proposal import LotSale, Taxes
from services.optimizer.rebalance.tax import estimated_tax, is_long_term
from services.optimizer.rebalance.wash_sale import replacement_units, split


def lot_sales(book: Book) -> tuple[LotSale, ...]:
    """Return what is sold of each lot; a lot of which only a part is a wash sale makes two entries."""
    return tuple(sale for product in sorted(book.sold) for sale in _sales(book, product))


def taxes(book: Book, sales: tuple[LotSale, ...]) -> Taxes:
    """Return the gains of the taxable accounts, the losses that are disallowed and the tax."""
    counted = [sale for sale in sales if _account(book, sale) not in book.problem.retirement]
    allowed = [sale for sale in counted if not sale.is_wash_sale]
    short = sum((sale.gain for sale in allowed if not sale.is_long_term), ZERO)
    long = sum((sale.gain for sale in allowed if sale.is_long_term), ZERO)
    profile = book.problem.tax
    return Taxes(
        short_term_gain=short,
        long_term_gain=long,
        disallowed_loss=-sum((sale.gain for sale in counted if sale.is_wash_sale), ZERO),
        estimated_tax=ZERO if profile is None else estimated_tax(profile, short, long),
    )


def realised(book: Book) -> Decimal:
    """Return the net gain of the orders so far, allowed losses taken off."""
    for product in book.gains_unknown & book.sold:
        result = taxes(book, tuple(_sales(book, product)))
        book.gains[product] = result.short_term_gain + result.long_term_gain
    book.gains_unknown.clear()
    return sum(book.gains.values(), ZERO)


def _sales(book: Book, product: str) -> list[LotSale]:
    picks = [pick for account in sorted(book.cash) for pick in book.all_picks(account, product)]
    price = book.problem.by_id[product].price
    losses: list[Pick] = []
    parts: list[tuple[Pick, bool]] = []
    for pick in picks:
        if pick.gain(price) < ZERO and pick.lot.account not in book.problem.retirement:
            losses.append(pick)
        else:
            parts.append((pick, False))
    replaced = ZERO
    if book.problem.tax is not None:
        today = book.bought_today(product)
        replaced = replacement_units(book.problem, book.bought_before, product, picks, today)
    parts += split(losses, replaced)
    return [_sale(book, price, pick, is_wash) for pick, is_wash in sorted(parts, key=lambda part: part[0].lot.id)]


def _sale(book: Book, price: Decimal, pick: Pick, is_wash: bool) -> LotSale:
    held_long = is_long_term(pick.lot.acquired, book.problem.day)
    return LotSale(pick.lot.id, pick.units, pick.gain(price), held_long, is_wash)


def _account(book: Book, sale: LotSale) -> str:
    return book.lot_accounts[sale.lot]
