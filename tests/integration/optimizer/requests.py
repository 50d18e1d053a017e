"""Requests over the shipped knowledge base, and a folder with its market snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fiducia.optimizer.v1 import objective_pb2
from fiducia.optimizer.v1 import optimizer_service_pb2 as service
from fiducia.optimizer.v1 import portfolio_pb2 as messages

from services.optimizer.problem import Product
from tests.unit.optimizer.builders import kb_products

PRODUCTS = kb_products("US")
# Enough of them to keep a worker busy for seconds.
MANY = tuple(
    replace(item, id=f"{item.id}-{copy}", specific_volatility=0.01 * copy) for item in PRODUCTS for copy in (1, 2, 3)
)


def terms(product: Product) -> messages.ProductTerms:
    """Return the message that describes a product."""
    return messages.ProductTerms(
        product_id=product.id,
        asset_class=product.asset_class,
        exposures=[messages.Exposure(asset_class=name, loading=value) for name, value in product.exposures.items()],
        currency_hedged=product.currency_hedged,
        specific_volatility=product.specific_volatility,
        expense_ratio=product.expense_ratio,
    )


def problem(limits: messages.Limits | None = None, items: Sequence[Product] = PRODUCTS) -> messages.PortfolioProblem:
    """Return a problem of a dollar client."""
    return messages.PortfolioProblem(base_currency="USD", products=[terms(item) for item in items], limits=limits)


def optimization(limits: messages.Limits | None = None, aversion: float = 6.0) -> service.OptimizePortfolioRequest:
    """Return a request for the best portfolio."""
    objective = objective_pb2.Objective(mean_variance_utility=objective_pb2.MeanVarianceUtility(risk_aversion=aversion))
    return service.OptimizePortfolioRequest(problem=problem(limits), objective=objective)


def frontier(points: int, items: Sequence[Product] = PRODUCTS) -> service.ComputeFrontierRequest:
    """Return a request for a frontier."""
    caps = [messages.WeightBound(product_id=item.id, max_weight=0.35) for item in items]
    return service.ComputeFrontierRequest(problem=problem(messages.Limits(products=caps), items), point_count=points)
