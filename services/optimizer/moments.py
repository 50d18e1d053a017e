"""Expected returns and covariance of products, from their exposures to the asset classes of a market.

The covariance stays in factor form, Sigma = X F X' + diag(s^2): X are loadings on the classes and on the
US dollar in yuan, F is their covariance, s the volatility that they do not explain. What is approximated:

- Currency. A return in another currency is (1 + r)(1 + x) - 1, with x the change of that currency. The product
  r x is left out, also its mean cov(r, x); for shares it is below 0.4 percentage points a year here.
- The yuan in dollars is taken to change by -x where the dollar in yuan changes by x; exact is 1 / (1 + x) - 1,
  larger by x^2, about 0.2 percentage points a year.
- A hedged product is taken to be hedged fully, at no cost but the difference of the two cash returns, which it
  earns in place of the change of the currency.
- Loadings are constant, and specific risks of different products are independent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from services.optimizer.problem import Product
from shared.assumptions import USD_CNY, AssumptionSet

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

CASH_CLASS = {"USD": "us_cash", "CNY": "cn_cash"}
# What one unit held in a foreign currency adds to the loading on usd_cny, by the client's base currency.
_CURRENCY_SIGN = {"CNY": 1.0, "USD": -1.0}


@dataclass(frozen=True, eq=False)
class ProductEstimates:
    """What past prices say about n products, per year, in the currency of the prices.

    expected: (n,).  root: (n, k) and specific: (n,), Sigma = root root' + diag(specific^2).
    is_after_fees: whether `expected` has paid the funds' fees, as prices have.  cash_return: what cash earns.
    left_out: products that were imported but cannot be used, with the reason.
    """

    currency: str
    product_ids: tuple[str, ...]
    expected: Vector
    is_after_fees: bool
    root: Matrix
    specific: Vector
    cash_return: float
    left_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Market:
    """The factors of a market snapshot: k of them, the asset classes in order and usd_cny last.

    expected: (k,) per year, each class in its own currency, arithmetic; last the change of a dollar in yuan.
    root:     (k, k) with root @ root.T the yearly covariance F.
    inflation: expected, per year, by currency; empty where the snapshot states none.
    products: where the snapshot holds prices, estimates by product; there are no factors then.
    """

    snapshot: str
    factors: tuple[str, ...]
    currencies: tuple[str, ...]
    expected: Vector
    root: Matrix
    inflation: Mapping[str, float] = field(default_factory=dict)
    products: ProductEstimates | None = None

    @property
    def factor_count(self) -> int:
        """How many columns the root of a portfolio problem has."""
        return len(self.factors) if self.products is None else self.products.root.shape[1]

    def factors_of(self, count: int) -> int:
        """Return how many columns the root of a problem over `count` products has, see `product_moments`."""
        return self.factor_count if self.products is None else min(count, self.factor_count)

    @cached_property
    def places(self) -> Mapping[str, int]:
        """The column of each factor."""
        return {name: column for column, name in enumerate(self.factors)}

    @cached_property
    def asset_classes(self) -> frozenset[str]:
        """The classes that a product may be exposed to."""
        return frozenset(self.factors[:-1])


@dataclass(frozen=True, eq=False)
class Moments:
    """First two moments of n products over k factors, per year, in the base currency.

    expected: (n,) gross of fund fees.  fees: (n,).  root: (n, k), X times the root of F.  specific: (n,).
    cash_return: what uninvested cash in the base currency earns.
    """

    expected: Vector
    fees: Vector
    root: Matrix
    specific: Vector
    cash_return: float

    @property
    def expected_net(self) -> Vector:
        """Expected returns after fund fees, (n,)."""
        return self.expected - self.fees

    def variances(self) -> Vector:
        """Return the variance of each product, (n,)."""
        return np.asarray((self.root**2).sum(axis=1) + self.specific**2)

    def covariance_times(self, weights: Vector) -> Vector:
        """Return Sigma w, (n,), without forming Sigma."""
        return self.root @ (self.root.T @ weights) + self.specific**2 * weights

    def variance(self, weights: Vector) -> float:
        """Return w' Sigma w."""
        return float(weights @ self.covariance_times(weights))


def market_of(snapshot: str, assumptions: AssumptionSet) -> Market:
    """Return the factors of a set of assumptions; rounding that made F slightly indefinite is cut at zero."""
    values, vectors = np.linalg.eigh(assumptions.covariance())
    classes = assumptions.classes.values()
    return Market(
        snapshot=snapshot,
        factors=(*assumptions.classes, USD_CNY),
        currencies=tuple(entry.currency for entry in classes),
        expected=np.array([*(entry.expected_return for entry in classes), assumptions.usd_cny.expected_change]),
        root=vectors * np.sqrt(np.maximum(values, 0.0)),
        inflation={"USD": assumptions.inflation.USD, "CNY": assumptions.inflation.CNY},
    )


def market_of_products(snapshot: str, estimates: ProductEstimates) -> Market:
    """Return a market of estimates by product, without asset classes."""
    return Market(snapshot, (), (), np.zeros(0), np.zeros((0, 0)), products=estimates)


def product_moments(products: Sequence[Product], base_currency: str, market: Market) -> Moments:
    """Return the moments of `products` for a client who counts in `base_currency`.

    Exposures that sum to less than one hold the rest in cash of the base currency; where they sum to more,
    the excess is borrowed at the return of that cash. Where the market is one of prices, exposures play no part:
    the moments are what was estimated for the products of those names.
    """
    if market.products is not None:
        return _from_prices(products, market.products)
    cash = market.places[CASH_CLASS[base_currency]]
    loadings = _class_loadings(products, market, cash)
    foreign = np.array([float(currency != base_currency) for currency in market.currencies])
    hedged = [row for row, product in enumerate(products) if product.currency_hedged]
    loadings[:, -1] = _CURRENCY_SIGN[base_currency] * (loadings[:, :-1] @ foreign)
    if hedged:
        loadings[hedged, -1] = 0.0
    expected = loadings @ market.expected
    if hedged:
        expected[hedged] += loadings[hedged] @ _carry(market, foreign, cash)
    return Moments(
        expected=expected,
        fees=np.array([product.expense_ratio for product in products]),
        root=loadings @ market.root,
        specific=np.array([product.specific_volatility for product in products]),
        cash_return=float(market.expected[cash]),
    )


def _from_prices(products: Sequence[Product], estimates: ProductEstimates) -> Moments:
    position = {name: row for row, name in enumerate(estimates.product_ids)}
    rows = [position[product.id] for product in products]
    fees = np.array([product.expense_ratio for product in products])
    expected = estimates.expected[rows]
    return Moments(
        expected=expected + fees if estimates.is_after_fees else expected,
        fees=fees,
        root=_narrow(estimates.root[rows]),
        specific=estimates.specific[rows],
        cash_return=estimates.cash_return,
    )


def _narrow(root: Matrix) -> Matrix:
    """Return a root with at most as many columns as rows and the same product with itself."""
    rows, columns = root.shape
    if columns <= rows:
        return root
    # R of the QR decomposition of the transpose: root root' = R' Q' Q R.
    return np.asarray(np.linalg.qr(root.T)[1].T)


def _class_loadings(products: Sequence[Product], market: Market, cash: int) -> Matrix:
    places, width = market.places, len(market.factors)
    filled = [row * width + places[name] for row, product in enumerate(products) for name in product.exposures]
    loadings = np.zeros((len(products), width))
    loadings.ravel()[filled] = [loading for product in products for loading in product.exposures.values()]
    loadings[:, cash] += 1.0 - loadings.sum(axis=1)
    return loadings


def _carry(market: Market, foreign: Vector, cash: int) -> Vector:
    """Return what a hedge earns per unit of each factor, (k,): home cash return less foreign cash return."""
    carry = np.zeros(len(market.factors))
    for column in np.flatnonzero(foreign):
        there = market.factors.index(CASH_CLASS[market.currencies[column]])
        carry[column] = market.expected[cash] - market.expected[there]
    return carry
