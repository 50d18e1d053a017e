"""Messages to problems: every field is checked, and every fault is reported under its full path."""

from __future__ import annotations

from fiducia.optimizer.v1 import optimizer_service_pb2 as service
from fiducia.optimizer.v1 import portfolio_pb2 as messages

from services.optimizer.checks import Checks
from services.optimizer.moments import CASH_CLASS, Market
from services.optimizer.objective import MeanVarianceUtility, MinimumVariance
from services.optimizer.problem import Bound, Group, Limits, Problem, Product

MAX_PRODUCTS = 1_000
MAX_GROUPS = 200
MAX_RISK_AVERSION = 1_000.0
# Funds with leverage load up to three times; beyond this a number is taken for a slip of the percent sign.
_MAX_LOADING = 10.0
_MAX_VOLATILITY = 5.0
_MAX_EXPENSE_RATIO = 0.2
# What holdings may exceed one by: weights are often computed from rounded amounts.
_BUDGET_SLACK = 1e-6
DEFAULT_POINTS = 20
_MAX_POINTS = 100


def parse_objective(message: service.Objective, checks: Checks) -> MeanVarianceUtility | MinimumVariance:
    """Return the objective; noted in `checks` where it is missing or out of range."""
    match message.WhichOneof("goal"):
        case "mean_variance_utility":
            aversion = message.mean_variance_utility.risk_aversion
            checks.positive("objective.mean_variance_utility.risk_aversion", aversion, MAX_RISK_AVERSION)
            return MeanVarianceUtility(aversion)
        case "minimum_variance":
            return MinimumVariance()
        case _:
            checks.refuse("objective.goal", "missing; set mean_variance_utility or minimum_variance")
            return MinimumVariance()


def parse_point_count(count: int, checks: Checks) -> int:
    """Return the number of frontier points; 0 means the default."""
    if count != 0:
        checks.number("point_count", count, 2, _MAX_POINTS)
    return count or DEFAULT_POINTS


def parse_problem(message: messages.PortfolioProblem, market: Market, checks: Checks) -> Problem:
    """Return the problem, to be used only if `checks` holds nothing afterwards."""
    checks.one_of("problem.base_currency", message.base_currency, CASH_CLASS, " or ".join(sorted(CASH_CLASS)))
    checks.count("problem.products", len(message.products), 1, MAX_PRODUCTS)
    seen: set[str] = set()
    products = tuple(
        _product(product, f"problem.products[{i}]", market, seen, checks) for i, product in enumerate(message.products)
    )
    return Problem(
        base_currency=message.base_currency,
        products=products,
        limits=_limits(message.limits, seen, market, checks),
        current=_current(message, seen, checks),
    )


def _product(message: messages.ProductTerms, path: str, market: Market, seen: set[str], checks: Checks) -> Product:
    checks.name(f"{path}.product_id", message.product_id)
    checks.unique(f"{path}.product_id", message.product_id, seen)
    _asset_class(f"{path}.asset_class", message.asset_class, market, checks)
    checks.number(f"{path}.specific_volatility", message.specific_volatility, 0.0, _MAX_VOLATILITY)
    if message.HasField("expense_ratio"):
        checks.number(f"{path}.expense_ratio", message.expense_ratio, 0.0, _MAX_EXPENSE_RATIO)
    else:
        checks.refuse(
            f"{path}.expense_ratio", "missing; a product without a known fee cannot be optimised, leave it out"
        )
    return Product(
        id=message.product_id,
        asset_class=message.asset_class,
        exposures=_exposures(message, path, market, checks),
        specific_volatility=message.specific_volatility,
        expense_ratio=message.expense_ratio,
        currency_hedged=message.currency_hedged,
    )


def _exposures(message: messages.ProductTerms, path: str, market: Market, checks: Checks) -> dict[str, float]:
    if not message.exposures:
        checks.refuse(f"{path}.exposures", "missing; name at least one asset class")
    seen: set[str] = set()
    for i, exposure in enumerate(message.exposures):
        where = f"{path}.exposures[{i}]"
        _asset_class(f"{where}.asset_class", exposure.asset_class, market, checks)
        checks.unique(f"{where}.asset_class", exposure.asset_class, seen)
        checks.number(f"{where}.loading", exposure.loading, -_MAX_LOADING, _MAX_LOADING)
    return {exposure.asset_class: exposure.loading for exposure in message.exposures}


def _limits(message: messages.Limits, products: set[str], market: Market, checks: Checks) -> Limits:
    checks.count("problem.limits.groups", len(message.groups), 0, MAX_GROUPS)
    seen: set[str] = set()
    bounds: dict[str, Bound] = {}
    for i, bound in enumerate(message.products):
        path = f"problem.limits.products[{i}]"
        checks.one_of(f"{path}.product_id", bound.product_id, products, "a product of this request")
        checks.unique(f"{path}.product_id", bound.product_id, seen)
        bounds[bound.product_id] = _bound(bound, path, checks)
    names: set[str] = set()
    return Limits(
        products=bounds,
        groups=tuple(
            _group(group, f"problem.limits.groups[{i}]", names, products, market, checks)
            for i, group in enumerate(message.groups)
        ),
        max_turnover=_max_turnover(message, checks),
        max_volatility=_max_volatility(message, checks),
    )


def _max_turnover(message: messages.Limits, checks: Checks) -> float | None:
    if not message.HasField("max_turnover"):
        return None
    return checks.number("problem.limits.max_turnover", message.max_turnover, 0.0, 1.0)


def _max_volatility(message: messages.Limits, checks: Checks) -> float | None:
    if not message.HasField("max_volatility"):
        return None
    return checks.positive("problem.limits.max_volatility", message.max_volatility, _MAX_VOLATILITY)


def _group(
    message: messages.GroupBound, path: str, names: set[str], products: set[str], market: Market, checks: Checks
) -> Group:
    checks.name(f"{path}.name", message.name)
    checks.unique(f"{path}.name", message.name, names)
    if not message.asset_classes and not message.product_ids:
        checks.refuse(path, "has no members; name asset_classes or product_ids")
    for i, name in enumerate(message.asset_classes):
        _asset_class(f"{path}.asset_classes[{i}]", name, market, checks)
    for i, name in enumerate(message.product_ids):
        checks.one_of(f"{path}.product_ids[{i}]", name, products, "a product of this request")
    bound = _bound(message, path, checks)
    return Group(message.name, bound, frozenset(message.asset_classes), frozenset(message.product_ids))


def _bound(message: messages.WeightBound | messages.GroupBound, path: str, checks: Checks) -> Bound:
    """Return the bounds. Bounds that cross are no fault here: they are a contradiction, answered as infeasible."""
    sides = {
        name: checks.number(f"{path}.{name}", getattr(message, name), 0.0, 1.0) if message.HasField(name) else None
        for name in ("min_weight", "max_weight")
    }
    return Bound(sides["min_weight"], sides["max_weight"])


def _current(message: messages.PortfolioProblem, products: set[str], checks: Checks) -> dict[str, float] | None:
    if not message.current_weights:
        return None
    seen: set[str] = set()
    for i, held in enumerate(message.current_weights):
        path = f"problem.current_weights[{i}]"
        checks.one_of(f"{path}.product_id", held.product_id, products, "a product of this request; add its terms")
        checks.unique(f"{path}.product_id", held.product_id, seen)
        checks.number(f"{path}.weight", held.weight, 0.0, 1.0 + _BUDGET_SLACK)
    total = sum(held.weight for held in message.current_weights)
    if total > 1.0 + _BUDGET_SLACK:
        checks.refuse("problem.current_weights", f"sum to {total:g}, expected at most 1; the rest counts as cash")
    return {held.product_id: held.weight for held in message.current_weights}


def _asset_class(field: str, name: str, market: Market, checks: Checks) -> None:
    known = market.asset_classes
    checks.one_of(field, name, known, f"an asset class of market snapshot {market.snapshot[:12]}")
