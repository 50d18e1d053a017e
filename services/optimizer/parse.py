"""Messages to problems: every field is checked, and every fault is reported under its full path."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from fiducia.optimizer.v1 import portfolio_pb2 as messages
from fiducia.type.v1 import weight_pb2

from services.optimizer.checks import Checks
from services.optimizer.moments import CASH_CLASS, Market
from services.optimizer.parse_estimates import parse_estimates
from services.optimizer.parse_limits import parse_limits
from services.optimizer.parse_size import refuse_too_large
from services.optimizer.parse_terms import parse_universe
from services.optimizer.parse_weights import BUDGET_SLACK
from services.optimizer.problem import DEFAULT_HORIZON_YEARS, Problem
from services.optimizer.universe import Universe

MAX_PRODUCTS = 1_000
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
    universe = parse_universe(message, market, checks)
    _priced(message, market, universe, checks)
    horizon = message.scenario_horizon_years
    if horizon != 0.0:
        checks.positive("problem.scenario_horizon_years", horizon, _MAX_HORIZON_YEARS)
    return Problem(
        base_currency=message.base_currency,
        products=universe.products,
        limits=parse_limits(message.limits, universe, checks),
        current=parse_current(message.current_weights, universe.known_ids, checks),
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
    for i, name in enumerate(universe.product_ids):
        if name not in known:
            reason = market.products.left_out.get(name, "it was not imported")
            found = f"the snapshot has no prices of {name[:40]!r} to estimate from: {reason}"
            checks.refuse(f"problem.products[{i}].product_id", found)


def parse_current(
    weights: Sequence[weight_pb2.Weight], products: Collection[str], checks: Checks
) -> dict[str, float] | None:
    """Return what is held by product, None where nothing is said; noted unless it is at most one in sum."""
    if not weights:
        return None
    path = "problem.current_weights"
    ids, shares = [held.product_id for held in weights], [held.weight for held in weights]
    checks.among(lambda i: f"{path}[{i}].product_id", ids, products, "a product of this request; add its terms")
    checks.numbers(lambda i: f"{path}[{i}].weight", shares, 0.0, 1.0 + BUDGET_SLACK)
    total = sum(shares)
    if total > 1.0 + BUDGET_SLACK:
        checks.refuse(path, f"sum to {total:g}, expected at most 1; the rest counts as cash")
    return dict(zip(ids, shares, strict=True))
