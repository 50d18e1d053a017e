"""Which lots a sale takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.optimizer.rebalance.problem import ZERO, Lot, LotOrder


@dataclass(frozen=True)
class Pick:
    """Units taken from a lot."""

    lot: Lot
    units: Decimal

    def gain(self, price: Decimal) -> Decimal:
        """Return what is gained (above 0) or lost (below 0) by selling them at the price, before costs."""
        return self.units * (price - self.lot.unit_cost)


def in_order(lots: Iterable[Lot], order: LotOrder, specific: Sequence[str] = ()) -> tuple[Lot, ...]:
    """Return the lots that may be sold, first to last; with SPECIFIC only those listed. Ties go by lot id."""
    match order:
        case LotOrder.HIFO:
            return tuple(sorted(lots, key=lambda lot: (-lot.unit_cost, lot.acquired, lot.id)))
        case LotOrder.FIFO:
            return tuple(sorted(lots, key=lambda lot: (lot.acquired, -lot.unit_cost, lot.id)))
        case LotOrder.LIFO:
            return tuple(sorted(lots, key=lambda lot: (-lot.acquired.toordinal(), -lot.unit_cost, lot.id)))
        case LotOrder.SPECIFIC:
            rank = {lot_id: place for place, lot_id in enumerate(specific)}
            return tuple(sorted((lot for lot in lots if lot.id in rank), key=lambda lot: rank[lot.id]))


def take(lots: Sequence[Lot], units: Decimal, taken: Mapping[str, Decimal]) -> tuple[Pick, ...]:
    """Return the picks that make up `units`, first lots first, beside the units by lot that are `taken` already."""
    picks: list[Pick] = []
    for lot in lots:
        part = min(units, lot.units - taken.get(lot.id, ZERO))
        if part > ZERO:
            picks.append(Pick(lot, part))
            units -= part
    return tuple(picks)


def units_within(picks: Sequence[Pick], price: Decimal, budget: Decimal, losses_count: bool) -> Decimal:
    """Return how many units, from the first pick on, can be sold with a net gain never above the budget.

    losses_count: whether losses make room for gains; a loss that may be a wash sale must not.
    """
    units = ZERO
    for pick in picks:
        gain = pick.gain(price)
        if gain > ZERO and gain > budget:
            return units + pick.units * max(budget, ZERO) / gain
        if gain > ZERO or losses_count:
            budget -= gain
        units += pick.units
    return units
