"""Messages to products: every field is checked, and every fault is reported under its full path."""

from __future__ import annotations

from fiducia.optimizer.v1 import portfolio_pb2 as messages
from fiducia.type.v1 import risk_pb2

from services.optimizer.checks import Checks
from services.optimizer.moments import Market
from services.optimizer.parse_estimates import has_own_covariance
from services.optimizer.parse_kept import Kept
from services.optimizer.problem import Product
from services.optimizer.universe import AssetClasses, Universe

# Funds with leverage load up to three times; beyond this a number is taken for a slip of the percent sign.
_MAX_LOADING = 10.0
_MAX_VOLATILITY = 5.0
_MAX_EXPENSE_RATIO = 0.2
_MAX_LIQUIDITY_DAYS = 10_000.0
_MAX_TRADING_COST = 0.2
_MAX_DURATION_YEARS = 100.0
_RISK_LEVELS = frozenset(risk_pb2.RiskLevel.values())
_KNOWN_PRODUCTS = Kept[Product]()
_KNOWN_UNIVERSES = Kept[Universe]()


def parse_universe(message: messages.PortfolioProblem, market: Market, checks: Checks) -> Universe:
    """Return the universe of a request, to be used only if `checks` holds nothing afterwards.

    Asset classes are only names where they say nothing of the covariance.
    """
    has_own = message.HasField("estimates") and has_own_covariance(message.estimates)
    is_free = has_own or market.products is not None
    classes = AssetClasses(None if is_free else market.asset_classes, market.snapshot)
    content = messages.PortfolioProblem(products=message.products).SerializeToString()
    context = (classes, message.base_currency, has_own)
    return _KNOWN_UNIVERSES.read(
        content, lambda: _universe(message, content, classes, has_own, checks), checks, context=context
    )


def _universe(
    message: messages.PortfolioProblem, content: bytes, classes: AssetClasses, has_own_covariance: bool, checks: Checks
) -> Universe:
    products = tuple(_kept(message, i, classes, checks) for i in range(len(message.products)))
    ids = tuple(product.id for product in products)
    checks.distinct(lambda i: f"problem.products[{i}].product_id", ids)
    return Universe(content, products, ids, frozenset(ids), classes, has_own_covariance)


def _kept(message: messages.PortfolioProblem, position: int, classes: AssetClasses, checks: Checks) -> Product:
    terms, path = message.products[position], f"problem.products[{position}]"
    return _KNOWN_PRODUCTS.read(
        terms.SerializeToString(),
        lambda: _product(terms, path, classes, message.base_currency, checks),
        checks,
        context=(classes, message.base_currency),
    )


def _product(
    message: messages.ProductTerms, path: str, classes: AssetClasses, base_currency: str, checks: Checks
) -> Product:
    checks.name(f"{path}.product_id", message.product_id)
    classes.check(f"{path}.asset_class", message.asset_class, checks)
    _labels(message, path, classes, checks)
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
        exposures=_exposures(message, path, classes, checks),
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


def _labels(message: messages.ProductTerms, path: str, classes: AssetClasses, checks: Checks) -> None:
    """Note words that are too long to be sent back, and a risk level that the contract does not have."""
    for name in ("currency", "issuer", "region"):
        checks.label(f"{path}.{name}", getattr(message, name))
    if classes.are_free:
        checks.label(f"{path}.asset_class", message.asset_class)
    for i, flag in enumerate(message.flags):
        checks.name(f"{path}.flags[{i}]", flag)
    if message.risk_level not in _RISK_LEVELS:
        checks.refuse(f"{path}.risk_level", f"found {message.risk_level}, expected RISK_LEVEL_R1 to RISK_LEVEL_R5")


def _exposures(message: messages.ProductTerms, path: str, classes: AssetClasses, checks: Checks) -> dict[str, float]:
    if not message.exposures and not classes.are_free:
        checks.refuse(f"{path}.exposures", "missing; name at least one asset class")
    seen: set[str] = set()
    for i, exposure in enumerate(message.exposures):
        where = f"{path}.exposures[{i}]"
        classes.check(f"{where}.asset_class", exposure.asset_class, checks)
        checks.unique(f"{where}.asset_class", exposure.asset_class, seen)
        checks.number(f"{where}.loading", exposure.loading, -_MAX_LOADING, _MAX_LOADING)
    return {exposure.asset_class: exposure.loading for exposure in message.exposures}
