"""Messages to limits: every field is checked, and every fault is reported under its full path."""

from __future__ import annotations

from fiducia.optimizer.v1 import portfolio_pb2 as messages
from fiducia.type.v1 import risk_pb2

from services.optimizer.checks import Checks
from services.optimizer.parse_kept import Kept
from services.optimizer.parse_weights import parse_benchmark
from services.optimizer.problem import Bound, CvarLimit, Group, Limits, PositionLimit, TrackingErrorLimit
from services.optimizer.universe import Universe

MAX_GROUPS = 200
DEFAULT_CONFIDENCE = 0.95
_MAX_VOLATILITY = 5.0
_MAX_LIQUIDITY_DAYS = 10_000.0
_RISK_LEVELS = frozenset(value for value in risk_pb2.RiskLevel.values() if value)
_MEMBERS = "asset_classes, product_ids, currencies, issuers, regions, risk_levels or flags"
_OF_REQUEST = "a product of this request"
_KNOWN = Kept[Limits]()


def parse_limits(message: messages.Limits, universe: Universe, checks: Checks) -> Limits:
    """Return the limits, to be used only if `checks` holds nothing afterwards."""
    return _KNOWN.read(
        message.SerializeToString(),
        lambda: _limits(message, universe, checks),
        checks,
        context=universe.classes,
        within=universe.content,
    )


def _limits(message: messages.Limits, universe: Universe, checks: Checks) -> Limits:
    return Limits(
        products=_product_bounds(message, universe, checks),
        groups=_groups(message, universe, checks),
        max_turnover=_optional(message, "max_turnover", 1.0, checks),
        max_volatility=_optional(message, "max_volatility", _MAX_VOLATILITY, checks, is_positive=True),
        max_cvar=_cvar(message, checks) if message.HasField("max_cvar") else None,
        tracking_error=_tracking_error(message, universe, checks) if message.HasField("tracking_error") else None,
        positions=_positions(message, checks) if message.HasField("positions") else None,
        excluded=_excluded(message, universe, checks),
        min_cash=_optional(message, "min_cash", 1.0, checks),
        max_risk_level_score=_risk_level_score(message, universe, checks),
        max_liquidity_days=_liquidity_days(message, universe, checks),
    )


def _optional(
    message: messages.Limits, name: str, high: float, checks: Checks, is_positive: bool = False
) -> float | None:
    if not message.HasField(name):  # type: ignore[arg-type]
        return None
    value, field = float(getattr(message, name)), f"problem.limits.{name}"
    return checks.positive(field, value, high) if is_positive else checks.number(field, value, 0.0, high)


def _product_bounds(message: messages.Limits, universe: Universe, checks: Checks) -> dict[str, Bound]:
    path, ids = "problem.limits.products", [bound.product_id for bound in message.products]
    checks.among(lambda i: f"{path}[{i}].product_id", ids, universe.known_ids, _OF_REQUEST)
    return {sent.product_id: _bound(sent, f"{path}[{i}]", checks) for i, sent in enumerate(message.products)}


def _groups(message: messages.Limits, universe: Universe, checks: Checks) -> tuple[Group, ...]:
    path, names = "problem.limits.groups", [group.name for group in message.groups]
    checks.count(path, len(message.groups), 0, MAX_GROUPS)
    checks.distinct(lambda i: f"{path}[{i}].name", names)
    return tuple(_group(sent, f"{path}[{i}]", universe, checks) for i, sent in enumerate(message.groups))


def _group(message: messages.GroupBound, path: str, universe: Universe, checks: Checks) -> Group:
    checks.name(f"{path}.name", message.name)
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
        universe.classes.check(f"{path}.asset_classes[{i}]", name, checks)
    for i, name in enumerate(message.product_ids):
        checks.one_of(f"{path}.product_ids[{i}]", name, universe.known_ids, _OF_REQUEST)
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
    path, names = "problem.limits.excluded_product_ids", message.excluded_product_ids
    checks.among(lambda i: f"{path}[{i}]", names, universe.known_ids, _OF_REQUEST)
    return frozenset(names)


def _risk_level_score(limits: messages.Limits, universe: Universe, checks: Checks) -> float | None:
    if not limits.HasField("max_risk_level_score"):
        return None
    for i, product in enumerate(universe.products):
        if product.risk_level not in _RISK_LEVELS:
            checks.refuse(f"problem.products[{i}].risk_level", "missing; limits.max_risk_level_score needs it")
    return checks.number("problem.limits.max_risk_level_score", limits.max_risk_level_score, 1.0, 5.0)


def _liquidity_days(limits: messages.Limits, universe: Universe, checks: Checks) -> float | None:
    if not limits.HasField("max_liquidity_days"):
        return None
    for i, product in enumerate(universe.products):
        if product.liquidity_days is None:
            checks.refuse(f"problem.products[{i}].liquidity_days", "missing; limits.max_liquidity_days needs it")
    return checks.number("problem.limits.max_liquidity_days", limits.max_liquidity_days, 0.0, _MAX_LIQUIDITY_DAYS)
