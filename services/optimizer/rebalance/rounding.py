"""Units that can be traded: multiples of a lot, and which lots the money left over buys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

# Funds that are sold in fractions are sold to the millionth of a unit.
FRACTION = Decimal("0.000001")


@dataclass(frozen=True)
class LotChoice:
    """One more lot of a product: what it costs with everything, and what is still missing of the product."""

    product: str
    outlay: Decimal
    missing: Decimal


def round_down(units: Decimal, lot_size: Decimal) -> Decimal:
    """Return the largest number of units that can be traded and is not above `units`."""
    return _rounded(units, lot_size, ROUND_FLOOR)


def round_up(units: Decimal, lot_size: Decimal) -> Decimal:
    """Return the smallest number of units that can be traded and is not below `units`."""
    return _rounded(units, lot_size, ROUND_CEILING)


def extra_lots(choices: Sequence[LotChoice], cash: Decimal) -> tuple[str, ...]:
    """Return the products of which one more lot is bought.

    A lot takes its price from cash above its target and brings a product past its own target: the sum of absolute
    deviations falls by twice what was missing. The most that can be missing less for the cash is a knapsack. Two
    greedy orders are tried and the better one taken: by what is missing (largest remainder; exact where all lots
    cost the same) and by what is missing per money; together they reach at least half of the best.
    Source: Martello and Toth (1990), Knapsack Problems, section 2.4.
    """
    by_remainder = _fill(sorted(choices, key=lambda item: (-item.missing, item.product)), cash)
    by_ratio = _fill(sorted(choices, key=lambda item: (-item.missing / item.outlay, item.product)), cash)
    best = max(by_remainder, by_ratio, key=lambda taken: sum(item.missing for item in taken))
    return tuple(item.product for item in best)


def _rounded(units: Decimal, lot_size: Decimal, rounding: str) -> Decimal:
    step = lot_size or FRACTION
    return (units / step).to_integral_value(rounding) * step


def _fill(choices: Sequence[LotChoice], cash: Decimal) -> list[LotChoice]:
    taken: list[LotChoice] = []
    for choice in choices:
        if choice.outlay <= cash:
            taken.append(choice)
            cash -= choice.outlay
    return taken
