"""Moments that are kept from one request to the next are those that would be worked out."""

from __future__ import annotations

import numpy as np
import pytest

from services.optimizer import expectations
from services.optimizer.expectations import moments_of
from services.optimizer.moments import Moments, product_moments
from services.optimizer.problem import Problem, Product
from tests.unit.optimizer.builders import dense_market, kb_market, products

ITEMS = products(2, fees=[0.001, 0.004])
MARKET = dense_market([0.05, 0.08], [[0.04, 0.01], [0.01, 0.09]])
OTHER = dense_market([0.01, 0.02], [[0.04, 0.01], [0.01, 0.09]])


def _same(one: Moments, other: Moments) -> bool:
    names = ("expected", "fees", "root", "specific")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def test_a_list_that_comes_again_is_worked_out_once() -> None:
    first = moments_of(Problem("USD", ITEMS), MARKET)

    assert moments_of(Problem("USD", ITEMS, current={"p0": 1.0}), MARKET) is first
    assert _same(first, product_moments(ITEMS, "USD", MARKET))


def test_another_list_and_another_market_have_their_own() -> None:
    dearer = products(2, fees=[0.002, 0.004])
    moments_of(Problem("USD", ITEMS), MARKET)

    assert _same(moments_of(Problem("USD", dearer), MARKET), product_moments(dearer, "USD", MARKET))
    assert _same(moments_of(Problem("USD", ITEMS), OTHER), product_moments(ITEMS, "USD", OTHER))


def test_another_currency_has_its_own() -> None:
    gold, market = (Product("gold", "gold", {"gold": 1.0}, 0.01, 0.004),), kb_market()
    moments_of(Problem("USD", gold), market)

    assert _same(moments_of(Problem("CNY", gold), market), product_moments(gold, "CNY", market))


def test_what_is_kept_cannot_be_changed() -> None:
    moments = moments_of(Problem("USD", ITEMS), MARKET)

    with pytest.raises(ValueError, match="read-only"):
        moments.root[0, 0] = 1.0


def test_a_large_root_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expectations, "_LARGEST_KEPT", 1)

    assert moments_of(Problem("USD", ITEMS), MARKET) is not moments_of(Problem("USD", ITEMS), MARKET)
