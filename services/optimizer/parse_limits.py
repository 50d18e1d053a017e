"""Messages to limits: every field is checked, and every fault is reported under its full path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fiducia.optimizer.v1 import portfolio_pb2 as messages
from fiducia.type.v1 import risk_pb2

from services.optimizer.checks import Checks
from services.optimizer.moments import Market
from services.optimizer.parse_estimates import has_own_covariance
from services.optimizer.parse_weights import parse_benchmark
from services.optimizer.problem import Bound, CvarLimit, Group, Limits, PositionLimit, TrackingErrorLimit

MAX_GROUPS = 200
DEFAULT_CONFIDENCE = 0.95
_MAX_VOLATILITY = 5.0
_MAX_LIQUIDITY_DAYS = 10_000.0
_RISK_LEVELS = frozenset(value for value in risk_pb2.RiskLevel.values() if value)
_MEMBERS = "asset_classes, product_ids, currencies, issuers, regions, risk_levels or flags"

Products = Sequence[messages.ProductTerms]


@dataclass(frozen=True)
class Universe:
    """What the fields of a request may refer to. asset_classes is None where any name will do."""

    product_ids: tuple[str, ...]
    known_ids: frozenset[str]
    asset_classes: frozenset[str] | None
    snapshot: str
    has_own_covariance: bool

    @classmethod
    def of(cls, message: messages.PortfolioProblem, market: Market) -> Universe:
        """Return the universe of a request: asset classes are only names where they say nothing of the covariance."""
        has_own = message.HasField("estimates") and has_own_covariance(message.estimates)
        is_free = has_own or market.products is not None
        ids = tuple(product.product_id for product in message.products)
        return cls(
            ids,
            frozenset(ids),
            None if is_free else market.asset_classes,
            market.snapshot,
            has_own,
        )

    def asset_class(self, field: str, name: str, checks: Checks) -> None:
        """Note a name that is not an asset class."""
        if self.asset_classes is not None:
            checks.one_of(field, name, self.asset_classes, f"an asset class of market snapshot {self.snapshot[:12]}")

    def product(self, field: str, name: str, checks: Checks) -> None:
        """Note a name that is not a product."""
        checks.one_of(field, name, self.known_ids, "a product of this request")


def parse_limits(message: messages.Limits, products: Products, universe: Universe, checks: Checks) -> Limits:
    """Return the limits, to be used only if `checks` holds nothing afterwards."""
    path = "problem.limits"
    checks.count(f"{path}.groups", len(message.groups), 0, MAX_GROUPS)
    names: set[str] = set()
    return Limits(
        products=_product_bounds(message, universe, checks),
        groups=tuple(
            _group(group, f"{path}.groups[{i}]", names, universe, checks) for i, group in enumerate(message.groups)
        ),
        max_turnover=_optional(message, "max_turnover", 1.0, checks),
        max_volatility=_optional(message, "max_volatility", _MAX_VOLATILITY, checks, is_positive=True),
        max_cvar=_cvar(message, checks) if message.HasField("max_cvar") else None,
        tracking_error=_tracking_error(message, universe, checks) if message.HasField("tracking_error") else None,
        positions=_positions(message, checks) if message.HasField("positions") else None,
        excluded=_excluded(message, universe, checks),
        min_cash=_optional(message, "min_cash", 1.0, checks),
        max_risk_level_score=_risk_level_score(message, products, checks),
        max_liquidity_days=_liquidity_days(message, products, checks),
    )


def _optional(
    message: messages.Limits, name: str, high: float, checks: Checks, is_positive: bool = False
) -> float | None:
    if not message.HasField(name):  # type: ignore[arg-type]
        return None
    value, field = float(getattr(message, name)), f"problem.limits.{name}"
    return checks.positive(field, value, high) if is_positive else checks.number(field, value, 0.0, high)


def _product_bounds(message: messages.Limits, universe: Universe, checks: Checks) -> dict[str, Bound]:
    seen: set[str] = set()
    bounds: dict[str, Bound] = {}
    for i, bound in enumerate(message.products):
        path = f"problem.limits.products[{i}]"
        universe.product(f"{path}.product_id", bound.product_id, checks)
        checks.unique(f"{path}.product_id", bound.product_id, seen)
        bounds[bound.product_id] = _bound(bound, path, checks)
    return bounds


def _group(message: messages.GroupBound, path: str, names: set[str], universe: Universe, checks: Checks) -> Group:
    checks.name(f"{path}.name", message.name)
    checks.unique(f"{path}.name", message.name, names)
    group = Group(
        message.name,
        _bound(message, path, checks),
        frozenset(message.asset_classes),
        frozenset(message.product_ids),
        frozenset(message.currencies),
        frozenset(message.issuers),
        frozenset(message.regions),
        frozenset(int(level) for level in message.risk_levels),
        frozenset(message.flags),
    )
    if group == Group(group.name, group.bound):
        checks.refuse(path, f"has no members; name {_MEMBERS}")
    for i, name in enumerate(message.asset_classes):
        universe.asset_class(f"{path}.asset_classes[{i}]", name, checks)
    for i, name in enumerate(message.product_ids):
        universe.product(f"{path}.product_ids[{i}]", name, checks)
    for list_name in ("currencies", "issuers", "regions", "flags"):
        for i, name in enumerate(getattr(message, list_name)):
            checks.name(f"{path}.{list_name}[{i}]", name)
    for i, level in enumerate(message.risk_levels):
        if level not in _RISK_LEVELS:
            checks.refuse(f"{path}.risk_levels[{i}]", f"found {level}, expected RISK_LEVEL_R1 to RISK_LEVEL_R5")
    return group


def _bound(message: messages.WeightBound | messages.GroupBound, path: str, checks: Checks) -> Bound:
    """Return the bounds. Bounds that cross are no fault here: they are a contradiction, answered as infeasible."""
    sides = {
        name: checks.number(f"{path}.{name}", getattr(message, name), 0.0, 1.0) if message.HasField(name) else None
        for name in ("min_weight", "max_weight")
    }
    return Bound(sides["min_weight"], sides["max_weight"])


def _cvar(message: messages.Limits, checks: Checks) -> CvarLimit:
    path = "problem.limits.max_cvar"
    checks.number(f"{path}.max_loss", message.max_cvar.max_loss, -1.0, 1.0)
    parse_confidence(f"{path}.confidence", message.max_cvar.confidence, checks)
    return CvarLimit(message.max_cvar.max_loss, message.max_cvar.confidence or DEFAULT_CONFIDENCE)


def parse_confidence(field: str, confidence: float, checks: Checks) -> float:
    """Return the confidence; 0 means 0.95. Noted in `checks` unless above 0.5 and below 1."""
    if confidence != 0.0 and not 0.5 < confidence < 1.0:
        checks.refuse(field, f"found {confidence:g}, expected a number above 0.5 and below 1, for example 0.95")
    return confidence or DEFAULT_CONFIDENCE


def _tracking_error(message: messages.Limits, universe: Universe, checks: Checks) -> TrackingErrorLimit:
    path, limit = "problem.limits.tracking_error", message.tracking_error
    checks.positive(f"{path}.max_tracking_error", limit.max_tracking_error, _MAX_VOLATILITY)
    benchmark = parse_benchmark(f"{path}.benchmark", limit.benchmark, universe.product_ids, checks)
    return TrackingErrorLimit(benchmark, limit.max_tracking_error)


def _positions(message: messages.Limits, checks: Checks) -> PositionLimit:
    path, limit = "problem.limits.positions", message.positions
    checks.number(f"{path}.max_positions", limit.max_positions, 1, 1_000)
    checks.number(f"{path}.min_position", limit.min_position, 0.0, 1.0)
    return PositionLimit(limit.max_positions, limit.min_position)


def _excluded(message: messages.Limits, universe: Universe, checks: Checks) -> frozenset[str]:
    seen: set[str] = set()
    for i, name in enumerate(message.excluded_product_ids):
        universe.product(f"problem.limits.excluded_product_ids[{i}]", name, checks)
        checks.unique(f"problem.limits.excluded_product_ids[{i}]", name, seen)
    return frozenset(seen)


def _risk_level_score(limits: messages.Limits, products: Products, checks: Checks) -> float | None:
    if not limits.HasField("max_risk_level_score"):
        return None
    for i, product in enumerate(products):
        if product.risk_level not in _RISK_LEVELS:
            checks.refuse(f"problem.products[{i}].risk_level", "missing; limits.max_risk_level_score needs it")
    return checks.number("problem.limits.max_risk_level_score", limits.max_risk_level_score, 1.0, 5.0)


def _liquidity_days(limits: messages.Limits, products: Products, checks: Checks) -> float | None:
    if not limits.HasField("max_liquidity_days"):
        return None
    for i, product in enumerate(products):
        if not product.HasField("liquidity_days"):
            checks.refuse(f"problem.products[{i}].liquidity_days", "missing; limits.max_liquidity_days needs it")
    return checks.number("problem.limits.max_liquidity_days", limits.max_liquidity_days, 0.0, _MAX_LIQUIDITY_DAYS)
