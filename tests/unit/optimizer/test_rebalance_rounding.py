"""Rounding to lots against every possible choice."""

from __future__ import annotations

from decimal import Decimal
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from services.optimizer.rebalance.rounding import LotChoice, extra_lots, round_down, round_up

MONEY = st.integers(1, 500).map(Decimal)


def _choices(pairs: list[tuple[Decimal, Decimal]]) -> list[LotChoice]:
    return [LotChoice(f"p{i}", outlay, min(missing, outlay)) for i, (outlay, missing) in enumerate(pairs)]


def _benefit(choices: list[LotChoice], taken: tuple[str, ...]) -> Decimal:
    return sum((item.missing for item in choices if item.product in taken), Decimal(0))


def _best(choices: list[LotChoice], cash: Decimal) -> Decimal:
    """Return the benefit of the best of all subsets that the cash pays for."""
    subsets = (part for size in range(len(choices) + 1) for part in combinations(choices, size))
    paid = [part for part in subsets if sum(item.outlay for item in part) <= cash]
    return max(sum((item.missing for item in part), Decimal(0)) for part in paid)


@settings(deadline=None)
@given(st.lists(st.tuples(MONEY, MONEY), max_size=8), st.integers(0, 2000).map(Decimal))
def test_extra_lots_are_paid_for_and_reach_half_of_the_best_choice(
    pairs: list[tuple[Decimal, Decimal]], cash: Decimal
) -> None:
    choices = _choices(pairs)

    taken = extra_lots(choices, cash)

    assert sum(item.outlay for item in choices if item.product in taken) <= cash
    assert 2 * _benefit(choices, taken) >= _best(choices, cash)


@settings(deadline=None)
@given(st.lists(MONEY, max_size=8), MONEY, st.integers(0, 2000).map(Decimal))
def test_extra_lots_of_one_price_are_the_best_choice(missing: list[Decimal], outlay: Decimal, cash: Decimal) -> None:
    choices = _choices([(outlay, item) for item in missing])

    assert _benefit(choices, extra_lots(choices, cash)) == _best(choices, cash)


@settings(deadline=None)
@given(st.decimals(0, 10**6, places=9), st.sampled_from(["0", "1", "100", "0.001"]).map(Decimal))
def test_rounding_brackets_the_units_by_less_than_a_lot(units: Decimal, lot: Decimal) -> None:
    step = lot or Decimal("0.000001")

    low, high = round_down(units, lot), round_up(units, lot)

    assert low <= units <= high
    assert high - low in (0, step)
    assert low % step == 0
