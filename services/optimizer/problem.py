"""A portfolio problem: the products that may be held, what the portfolio must obey, what is held today."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.optimizer.estimates import Estimates, Scenarios

Weights = Mapping[str, float]

# A month, 21 trading days: long enough that losses of several days add up, short enough that ten years hold 120.
DEFAULT_HORIZON_YEARS = 1.0 / 12.0


@dataclass(frozen=True)
class Product:
    """What the optimizer needs to know about a fund; fractions per year, loadings in units of its value.

    risk_level: 1 to 5.  liquidity_days: to sell a usual position.  duration_years: to interest rates, below zero for
    what gains when they rise.  All three are None where not known.
    """

    id: str
    asset_class: str
    exposures: Mapping[str, float]
    specific_volatility: float
    expense_ratio: float
    currency_hedged: bool = False
    currency: str = ""
    issuer: str = ""
    region: str = ""
    risk_level: int | None = None
    flags: frozenset[str] = frozenset()
    liquidity_days: float | None = None
    duration_years: float | None = None


@dataclass(frozen=True)
class Bound:
    """Smallest and largest weight, each 0 to 1; None leaves that side free."""

    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class Group:
    """A bound on the summed weight of products; a product belongs to it that is named in any of the ways."""

    name: str
    bound: Bound
    asset_classes: frozenset[str] = frozenset()
    product_ids: frozenset[str] = frozenset()
    currencies: frozenset[str] = frozenset()
    issuers: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    risk_levels: frozenset[int] = frozenset()
    flags: frozenset[str] = frozenset()

    def holds(self, product: Product) -> bool:
        """Return whether the product belongs to the group."""
        return (
            product.asset_class in self.asset_classes
            or product.id in self.product_ids
            or product.currency in self.currencies
            or product.issuer in self.issuers
            or product.region in self.regions
            or product.risk_level in self.risk_levels
            or not self.flags.isdisjoint(product.flags)
        )


@dataclass(frozen=True)
class CvarLimit:
    """Largest mean loss, a positive fraction, in the worst 1 - confidence of the scenarios."""

    max_loss: float
    confidence: float


@dataclass(frozen=True)
class TrackingErrorLimit:
    """Largest yearly volatility of the difference to a benchmark, whose weights are in the order of the products."""

    benchmark: tuple[float, ...]
    max_tracking_error: float


@dataclass(frozen=True)
class PositionLimit:
    """Largest number of products held, and the smallest weight of one that is."""

    max_positions: int
    min_position: float


@dataclass(frozen=True)
class Limits:
    """What the portfolio must obey beside being fully invested and never short.

    max_turnover:     share of the portfolio's value that may be bought, see `constraints.turnover`.
    max_volatility:   yearly, a fraction.
    volatility_field: where the request states it.
    min_cash:         share of cash in the base currency, see `constraints.is_cash`.
    max_risk_level_score, max_liquidity_days: weighted means over the products.
    """

    products: Mapping[str, Bound] = field(default_factory=dict)
    groups: tuple[Group, ...] = ()
    max_turnover: float | None = None
    max_volatility: float | None = None
    volatility_field: str = "limits.max_volatility"
    max_cvar: CvarLimit | None = None
    tracking_error: TrackingErrorLimit | None = None
    positions: PositionLimit | None = None
    excluded: frozenset[str] = frozenset()
    min_cash: float | None = None
    max_risk_level_score: float | None = None
    max_liquidity_days: float | None = None


@dataclass(frozen=True)
class Problem:
    """Everything but the goal. `current` maps product to weight; what it lacks to one is uninvested cash.

    estimates: the caller's own, in place of those of the market snapshot.
    past:      scenarios from the snapshot's prices, after fund fees, where some are needed and the caller has none.
    scenario_horizon_years: of those.
    """

    base_currency: str
    products: tuple[Product, ...]
    limits: Limits = Limits()
    current: Weights | None = None
    estimates: Estimates | None = None
    past: Scenarios | None = None
    scenario_horizon_years: float = DEFAULT_HORIZON_YEARS

    @property
    def scenarios(self) -> Scenarios | None:
        """The caller's scenarios, or those from past prices."""
        own = None if self.estimates is None else self.estimates.scenarios
        return self.past if own is None else own
