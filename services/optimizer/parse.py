"""Messages to problems: every field is checked, and every fault is reported under its full path."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from fiducia.optimizer.v1 import portfolio_pb2 as messages
from fiducia.type.v1 import risk_pb2, weight_pb2

from services.optimizer.checks import Checks
from services.optimizer.moments import CASH_CLASS, Market
from services.optimizer.parse_estimates import parse_estimates
from services.optimizer.parse_limits import Universe, parse_limits
from services.optimizer.parse_size import refuse_too_large
from services.optimizer.parse_weights import BUDGET_SLACK
from services.optimizer.problem import DEFAULT_HORIZON_YEARS, Problem, Product

MAX_PRODUCTS = 1_000
# Funds with leverage load up to three times; beyond this a number is taken for a slip of the percent sign.
_MAX_LOADING = 10.0
_MAX_VOLATILITY = 5.0
_MAX_EXPENSE_RATIO = 0.2
_MAX_LIQUIDITY_DAYS = 10_000.0
_MAX_TRADING_COST = 0.2
_MAX_DURATION_YEARS = 100.0
_MAX_HORIZON_YEARS = 10.0
DEFAULT_POINTS = 20
_MAX_POINTS = 100


def parse_point_count(count: int, checks: Checks) -> int:
    """Return the number of frontier points; 0 means the default."""
    if count != 0:
        checks.number("point_count", count, 2, _MAX_POINTS)
    return count or DEFAULT_POINTS


def parse_problem(message: messages.PortfolioProblem, market: Market, checks: Checks) -> Problem:
    """Return the problem, to be used only if `checks` holds nothing afterwards."""
    checks.one_of("problem.base_currency", message.base_currency, CASH_CLASS, " or ".join(sorted(CASH_CLASS)))
    refuse_too_large(message, "problem")
    checks.count("problem.products", len(message.products), 1, MAX_PRODUCTS)
    if len(message.products) > MAX_PRODUCTS:
        # Estimates are matrices: a hundred thousand products would want eighty gigabytes before they are refused.
        checks.raise_any()
    universe = Universe.of(message, market)
    _priced(message, market, universe, checks)
    horizon = message.scenario_horizon_years
    if horizon != 0.0:
        checks.positive("problem.scenario_horizon_years", horizon, _MAX_HORIZON_YEARS)
    seen: set[str] = set()
    products = tuple(
        _product(product, f"problem.products[{i}]", universe, seen, message.base_currency, checks)
        for i, product in enumerate(message.products)
    )
    return Problem(
        base_currency=message.base_currency,
        products=products,
        limits=parse_limits(message.limits, message.products, universe, checks),
        current=parse_current(message.current_weights, seen, checks),
        estimates=parse_estimates(message, checks) if message.HasField("estimates") else None,
        scenario_horizon_years=horizon or DEFAULT_HORIZON_YEARS,
    )


def _priced(message: messages.PortfolioProblem, market: Market, universe: Universe, checks: Checks) -> None:
    """Note what a market of prices has no estimates for."""
    if market.products is None or universe.has_own_covariance:
        return
    if message.base_currency in CASH_CLASS and message.base_currency != market.products.currency:
        checks.refuse(
            "problem.base_currency",
            f"found {message.base_currency}, but the prices of this snapshot are in {market.products.currency}",
        )
    known = frozenset(market.products.product_ids)
    for i, product in enumerate(message.products):
        if product.product_id not in known:
            reason = market.products.left_out.get(product.product_id, "it was not imported")
            found = f"the snapshot has no prices of {product.product_id[:40]!r} to estimate from: {reason}"
            checks.refuse(f"problem.products[{i}].product_id", found)


def _product(
    message: messages.ProductTerms, path: str, universe: Universe, seen: set[str], base_currency: str, checks: Checks
) -> Product:
    checks.name(f"{path}.product_id", message.product_id)
    checks.unique(f"{path}.product_id", message.product_id, seen)
    universe.asset_class(f"{path}.asset_class", message.asset_class, checks)
    _labels(message, path, universe, checks)
    checks.number(f"{path}.specific_volatility", message.specific_volatility, 0.0, _MAX_VOLATILITY)
    checks.number(f"{path}.trading_cost", message.trading_cost, 0.0, _MAX_TRADING_COST)
    if message.HasField("expense_ratio"):
        checks.number(f"{path}.expense_ratio", message.expense_ratio, 0.0, _MAX_EXPENSE_RATIO)
    else:
        checks.refuse(
            f"{path}.expense_ratio", "missing; a product without a known fee cannot be optimised, leave it out"
        )
    if message.HasField("liquidity_days"):
        checks.number(f"{path}.liquidity_days", message.liquidity_days, 0.0, _MAX_LIQUIDITY_DAYS)
    if message.HasField("duration_years"):
        checks.number(f"{path}.duration_years", message.duration_years, -_MAX_DURATION_YEARS, _MAX_DURATION_YEARS)
    return Product(
        id=message.product_id,
        asset_class=message.asset_class,
        exposures=_exposures(message, path, universe, checks),
        specific_volatility=message.specific_volatility,
        expense_ratio=message.expense_ratio,
        currency_hedged=message.currency_hedged,
        currency=message.currency or base_currency,
        issuer=message.issuer,
        region=message.region,
        risk_level=int(message.risk_level) or None,
        flags=frozenset(message.flags),
        liquidity_days=message.liquidity_days if message.HasField("liquidity_days") else None,
        duration_years=message.duration_years if message.HasField("duration_years") else None,
    )


def _labels(message: messages.ProductTerms, path: str, universe: Universe, checks: Checks) -> None:
    """Note words that are too long to be sent back, and a risk level that the contract does not have."""
    for name in ("currency", "issuer", "region"):
        checks.label(f"{path}.{name}", getattr(message, name))
    if universe.asset_classes is None:
        checks.label(f"{path}.asset_class", message.asset_class)
    for i, flag in enumerate(message.flags):
        checks.name(f"{path}.flags[{i}]", flag)
    if message.risk_level not in risk_pb2.RiskLevel.values():
        checks.refuse(f"{path}.risk_level", f"found {message.risk_level}, expected RISK_LEVEL_R1 to RISK_LEVEL_R5")


def _exposures(message: messages.ProductTerms, path: str, universe: Universe, checks: Checks) -> dict[str, float]:
    if not message.exposures and universe.asset_classes is not None:
        checks.refuse(f"{path}.exposures", "missing; name at least one asset class")
    seen: set[str] = set()
    for i, exposure in enumerate(message.exposures):
        where = f"{path}.exposures[{i}]"
        universe.asset_class(f"{where}.asset_class", exposure.asset_class, checks)
        checks.unique(f"{where}.asset_class", exposure.asset_class, seen)
        checks.number(f"{where}.loading", exposure.loading, -_MAX_LOADING, _MAX_LOADING)
    return {exposure.asset_class: exposure.loading for exposure in message.exposures}


def parse_current(
    weights: Sequence[weight_pb2.Weight], products: Collection[str], checks: Checks
) -> dict[str, float] | None:
    """Return what is held by product, None where nothing is said; noted unless it is at most one in sum."""
    if not weights:
        return None
    seen: set[str] = set()
    for i, held in enumerate(weights):
        path = f"problem.current_weights[{i}]"
        checks.one_of(f"{path}.product_id", held.product_id, products, "a product of this request; add its terms")
        checks.unique(f"{path}.product_id", held.product_id, seen)
        checks.number(f"{path}.weight", held.weight, 0.0, 1.0 + BUDGET_SLACK)
    total = sum(held.weight for held in weights)
    if total > 1.0 + BUDGET_SLACK:
        checks.refuse("problem.current_weights", f"sum to {total:g}, expected at most 1; the rest counts as cash")
    return {held.product_id: held.weight for held in weights}
