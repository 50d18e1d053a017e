"""A portfolio problem: the products that may be held, what the portfolio must obey, what is held today."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Weights = Mapping[str, float]


@dataclass(frozen=True)
class Product:
    """What the optimizer needs to know about a fund; fractions per year, loadings in units of its value."""

    id: str
    asset_class: str
    exposures: Mapping[str, float]
    specific_volatility: float
    expense_ratio: float
    currency_hedged: bool = False


@dataclass(frozen=True)
class Bound:
    """Smallest and largest weight, each 0 to 1; None leaves that side free."""

    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class Group:
    """A bound on the summed weight of products, named by main asset class or one by one."""

    name: str
    bound: Bound
    asset_classes: frozenset[str] = frozenset()
    product_ids: frozenset[str] = frozenset()

    def holds(self, product: Product) -> bool:
        """Return whether the product belongs to the group."""
        return product.asset_class in self.asset_classes or product.id in self.product_ids


@dataclass(frozen=True)
class Limits:
    """What the portfolio must obey beside being fully invested and never short.

    max_turnover:   share of the portfolio's value that may be bought, see `constraints.turnover`.
    max_volatility: yearly, a fraction.
    """

    products: Mapping[str, Bound] = field(default_factory=dict)
    groups: tuple[Group, ...] = ()
    max_turnover: float | None = None
    max_volatility: float | None = None


@dataclass(frozen=True)
class Problem:
    """Everything but the goal. `current` maps product to weight; what it lacks to one is uninvested cash."""

    base_currency: str
    products: tuple[Product, ...]
    limits: Limits = Limits()
    current: Weights | None = None
