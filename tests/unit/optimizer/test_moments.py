from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from services.optimizer.moments import Market, product_moments
from services.optimizer.problem import Product
from tests.unit.optimizer.builders import kb_assumptions, kb_market

MARKET = kb_market()
CLASSES = kb_assumptions().classes
DOLLAR = kb_assumptions().usd_cny


def _product(exposures: dict[str, float], hedged: bool = False, specific: float = 0.0, fee: float = 0.0) -> Product:
    return Product("p", next(iter(exposures)), exposures, specific, fee, hedged)


def _moments(base: str, product: Product, market: Market = MARKET) -> tuple[float, float]:
    moments = product_moments([product], base, market)
    return float(moments.expected[0]), float(np.sqrt(moments.variances()[0]))


def test_a_product_in_its_clients_currency_has_the_moments_of_its_class() -> None:
    expected, volatility = _moments("USD", _product({"us_large_equity": 1.0}))

    assert expected == pytest.approx(CLASSES["us_large_equity"].expected_return)
    assert volatility == pytest.approx(CLASSES["us_large_equity"].volatility)


def test_a_dollar_product_earns_the_change_of_the_dollar_for_a_yuan_client() -> None:
    expected, volatility = _moments("CNY", _product({"us_large_equity": 1.0}))

    share, sigma = CLASSES["us_large_equity"], kb_assumptions().covariance()
    row, dollar = list(CLASSES).index("us_large_equity"), len(CLASSES)
    variance = sigma[row, row] + sigma[dollar, dollar] + 2 * sigma[row, dollar]
    assert expected == pytest.approx(share.expected_return + DOLLAR.expected_change)
    assert volatility == pytest.approx(np.sqrt(variance))


def test_a_yuan_product_earns_the_opposite_for_a_dollar_client() -> None:
    expected, _ = _moments("USD", _product({"cn_government_bond": 1.0}))

    assert expected == pytest.approx(CLASSES["cn_government_bond"].expected_return - DOLLAR.expected_change)


def test_a_hedged_product_earns_the_difference_of_the_cash_returns_and_moves_with_its_class_alone() -> None:
    expected, volatility = _moments("CNY", _product({"us_large_equity": 1.0}, hedged=True))

    share = CLASSES["us_large_equity"]
    carry = CLASSES["cn_cash"].expected_return - CLASSES["us_cash"].expected_return
    assert expected == pytest.approx(share.expected_return + carry)
    assert volatility == pytest.approx(share.volatility)


def test_a_hedge_changes_nothing_for_a_product_in_the_clients_own_currency() -> None:
    product = _product({"us_aggregate_bond": 1.0})

    assert _moments("USD", replace(product, currency_hedged=True)) == _moments("USD", product)


def test_currency_counts_by_the_share_that_is_abroad() -> None:
    half, _ = _moments("CNY", _product({"us_large_equity": 0.5, "cn_large_equity": 0.5}))

    mean = 0.5 * (CLASSES["us_large_equity"].expected_return + CLASSES["cn_large_equity"].expected_return)
    assert half == pytest.approx(mean + 0.5 * DOLLAR.expected_change)


@pytest.mark.parametrize(("base", "cash"), [("USD", "us_cash"), ("CNY", "cn_cash")])
def test_what_exposures_lack_to_one_is_cash_of_the_base_currency(base: str, cash: str) -> None:
    equity = {"USD": "us_large_equity", "CNY": "cn_large_equity"}[base]

    expected, _ = _moments(base, _product({equity: 0.9}))

    assert expected == pytest.approx(0.9 * CLASSES[equity].expected_return + 0.1 * CLASSES[cash].expected_return)


def test_a_loading_above_one_borrows_at_the_return_of_cash() -> None:
    expected, volatility = _moments("USD", _product({"us_large_equity": 2.0}))

    assert expected == pytest.approx(
        2 * CLASSES["us_large_equity"].expected_return - CLASSES["us_cash"].expected_return
    )
    assert volatility == pytest.approx(2 * CLASSES["us_large_equity"].volatility, rel=0.01)


def test_specific_volatility_adds_to_the_variance() -> None:
    _, volatility = _moments("USD", _product({"us_large_equity": 1.0}, specific=0.12))

    assert volatility == pytest.approx(np.hypot(CLASSES["us_large_equity"].volatility, 0.12))


def test_the_factor_form_is_the_dense_covariance() -> None:
    items = [_product({"us_large_equity": 0.6, "us_aggregate_bond": 0.4}, specific=0.01), _product({"gold": 1.0})]
    moments = product_moments(items, "CNY", MARKET)
    weights = np.array([0.3, 0.7])

    dense = moments.root @ moments.root.T + np.diag(moments.specific**2)

    assert moments.covariance_times(weights) == pytest.approx(dense @ weights)
    assert moments.variance(weights) == pytest.approx(weights @ dense @ weights)
    assert moments.variances() == pytest.approx(np.diag(dense))


def test_the_root_of_a_market_rebuilds_its_covariance() -> None:
    assert MARKET.root @ MARKET.root.T == pytest.approx(kb_assumptions().covariance(), abs=1e-12)


def test_net_is_gross_less_the_fee() -> None:
    moments = product_moments([_product({"gold": 1.0}, fee=0.004)], "USD", MARKET)

    assert moments.expected_net == pytest.approx(moments.expected - 0.004)
