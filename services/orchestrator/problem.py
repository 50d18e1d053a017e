"""The optimisation problem of a case: eligible products and holdings, under the limits of class and client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from services.orchestrator.allocation import SMALLEST_WEIGHT
from services.orchestrator.case import Case
from services.orchestrator.catalogue.schema import Product
from services.orchestrator.holdings import CurrentPortfolio, Position, must_be_sold
from services.orchestrator.portfolio import (
    Exposure,
    GroupBound,
    Limits,
    MeanVarianceUtility,
    MinimumVariance,
    OptimalPortfolio,
    PortfolioProblem,
    ProductTerms,
    Weight,
    WeightBound,
)
from services.orchestrator.suitability.universe import Universe

MINIMUM_RISK = MinimumVariance()
# A position of less than a hundredth moves nothing and still costs a trade and a line to read.
SMALLEST_POSITION = 0.01


def utility(case: Case) -> MeanVarianceUtility:
    """Return the objective of the client's class."""
    return MeanVarianceUtility(case.limits.risk_aversion)


def portfolio_problem(
    case: Case, universe: Universe, current: CurrentPortfolio, market_snapshot: str = ""
) -> PortfolioProblem:
    """Return the problem to optimise: eligible products by id, then holdings that are not eligible.

    A holding that must be sold stays in the problem with a largest weight of zero, so that the portfolio of today
    is analysed with it; a fund outside the catalogue may shrink but not grow.
    """
    eligible = set(universe.eligible_product_ids)
    others = [position for position in current.positions if position.key not in eligible]
    terms = [product_terms(case.catalogue.products[key]) for key in universe.eligible_product_ids]
    terms += [_held_terms(case, position) for position in others]
    return PortfolioProblem(
        base_currency=case.currency,
        products=tuple(terms),
        limits=_limits(case, universe, others),
        current_weights=tuple(Weight(position.key, position.weight) for position in current.positions),
        market_snapshot=market_snapshot,
    )


def without_small_positions(
    problem: PortfolioProblem, optimal: OptimalPortfolio, current: CurrentPortfolio
) -> PortfolioProblem | None:
    """Return the problem without the products that the optimum gives too little of, or None if there are none.

    What is held today and what the client requires stays. The caller optimises again and keeps the first optimum
    where the smaller problem has none; either way the result is an exact optimum with its own proof.
    """
    required = {key for group in problem.limits.groups for key in group.product_ids}
    held = {position.key for position in current.positions}
    small = {item.product_id for item in optimal.weights if item.weight < SMALLEST_POSITION} - required - held
    positive = {item.product_id for item in optimal.weights if item.weight >= SMALLEST_WEIGHT}
    if not small & positive:
        return None
    limits = replace(
        problem.limits, products=tuple(bound for bound in problem.limits.products if bound.product_id not in small)
    )
    products = tuple(terms for terms in problem.products if terms.product_id not in small)
    return replace(problem, products=products, limits=limits)


def product_terms(product: Product) -> ProductTerms:
    """Return what the optimizer needs to know; an unknown fee counts as zero, which only a holding can have."""
    exposures = product.exposures
    return ProductTerms(
        product_id=product.id,
        asset_class=product.asset_class,
        exposures=tuple(Exposure(name, loading) for name, loading in exposures.classes.items()),
        currency_hedged=exposures.currency_hedged,
        specific_volatility=exposures.specific_volatility,
        expense_ratio=product.expense_ratio.value if product.expense_ratio else 0.0,
    )


def _held_terms(case: Case, position: Position) -> ProductTerms:
    if not position.external:
        return product_terms(case.catalogue.products[position.key])
    whole = (Exposure(position.asset_class, 1.0),)
    return ProductTerms(
        product_id=position.key,
        asset_class=position.asset_class,
        exposures=whole,
        currency_hedged=False,
        specific_volatility=0.0,
        expense_ratio=position.expense_ratio or 0.0,
    )


def _limits(case: Case, universe: Universe, others: list[Position]) -> Limits:
    preferences, limits = case.situation.preferences, case.limits
    wish = preferences.max_volatility
    volatility = limits.max_portfolio_volatility if wish is None else min(wish, limits.max_portfolio_volatility)
    return Limits(
        products=(
            *(WeightBound(key, max_weight=limits.max_product_weight) for key in universe.eligible_product_ids),
            *(WeightBound(position.key, max_weight=_most(case, position)) for position in others),
        ),
        groups=(*_class_groups(case), *_required_groups(case)),
        max_turnover=preferences.max_turnover,
        max_volatility=volatility,
    )


def _most(case: Case, position: Position) -> float:
    """Return the largest weight of a holding that may only be kept or sold."""
    if must_be_sold(case, position) is not None:
        return 0.0
    return min(position.weight, case.limits.max_product_weight)


def _class_groups(case: Case) -> Iterator[GroupBound]:
    classes = case.catalogue.assumptions.classes
    for group, bound in case.limits.max_group_weight.items():
        members = tuple(key for key, assumption in classes.items() if assumption.group == group)
        yield GroupBound(group.lower(), asset_classes=members, max_weight=bound)


def _required_groups(case: Case) -> Iterator[GroupBound]:
    """Yield a group of one per required product: an infeasibility can then name the wish apart from the limit."""
    for required in case.situation.preferences.required_products:
        yield GroupBound(
            f"required_{required.product_id}", product_ids=(required.product_id,), min_weight=required.min_weight
        )
