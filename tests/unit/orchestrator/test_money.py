"""Dividing money: the parts always sum to the whole."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from services.orchestrator.money import Money, apportion

WEIGHTS = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40).filter(lambda weights: sum(weights) > 1e-6)


def test_the_largest_remainders_take_what_is_left() -> None:
    parts = apportion(10, [0.25, 0.37, 0.38])

    assert parts == (2, 4, 4)


def test_equal_remainders_go_to_the_first() -> None:
    parts = apportion(10, [1.0, 1.0, 1.0])

    assert parts == (4, 3, 3)


@given(total=st.integers(0, 10**15), weights=WEIGHTS)
def test_parts_sum_to_the_total_and_stay_within_one_of_their_share(total: int, weights: list[float]) -> None:
    parts = apportion(total, weights)

    shares = [total * weight / sum(weights) for weight in weights]
    assert sum(parts) == total
    # Shares are computed in floats here, so a large total blurs them by a few parts in 1e15.
    assert all(abs(part - share) <= 1 + total * 1e-12 for part, share in zip(parts, shares, strict=True))


@given(cents=st.integers(1, 10**15), weights=WEIGHTS)
def test_money_is_split_to_the_cent(cents: int, weights: list[float]) -> None:
    whole = Money("USD", Decimal(cents) / 100)

    parts = whole.split(weights)

    assert sum(part.amount for part in parts) == whole.amount
    assert all(part.amount == part.rounded().amount for part in parts)


def test_a_share_is_rounded_to_cents() -> None:
    share = Money("USD", Decimal("1000.00")).share(0.12345)

    assert share == Money("USD", Decimal("123.45"))
