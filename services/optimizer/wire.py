"""Answers to messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from fiducia.optimizer.v1 import optimizer_service_pb2 as service
from fiducia.optimizer.v1 import portfolio_pb2 as messages
from google.type import date_pb2

from services.optimizer.answers import ConflictingLimit, Frontier, Infeasible, Portfolio
from services.optimizer.certificate import Certificate
from services.optimizer.moments import Vector
from services.optimizer.price_snapshot import PriceSnapshot
from services.optimizer.problem import Problem
from services.optimizer.risk import CONFIDENCE, HORIZON_YEARS, RiskAnalysis
from services.optimizer.snapshots import Snapshot
from services.optimizer.wire_market import price_snapshot_message


def optimize_response(
    problem: Problem, answer: Portfolio | Infeasible, snapshot: str
) -> service.OptimizePortfolioResponse:
    """Return the answer to OptimizePortfolio."""
    if isinstance(answer, Infeasible):
        return service.OptimizePortfolioResponse(infeasibility=infeasibility_message(answer), market_snapshot=snapshot)
    optimal = _part(**_optimal(problem, answer))
    return service.OptimizePortfolioResponse(optimal=optimal, market_snapshot=snapshot)


def frontier_response(
    problem: Problem, answer: Frontier | Infeasible, snapshot: str
) -> service.ComputeFrontierResponse:
    """Return the answer to ComputeFrontier."""
    if isinstance(answer, Infeasible):
        return service.ComputeFrontierResponse(infeasibility=infeasibility_message(answer), market_snapshot=snapshot)
    points = [
        service.FrontierPoint(
            weights=_by_product(problem, point.weights, "weight"),
            expected_return_net=point.expected_return_net,
            volatility=point.volatility,
            certificate=_certificate(point.certificate),
        )
        for point in answer.points
    ]
    return service.ComputeFrontierResponse(frontier=service.Frontier(points=points), market_snapshot=snapshot)


def snapshots_response(
    snapshots: Sequence[Snapshot | PriceSnapshot], active: str | None, next_token: str
) -> service.ListMarketSnapshotsResponse:
    """Return a page of snapshots."""
    return service.ListMarketSnapshotsResponse(
        snapshots=[_snapshot(snapshot, snapshot.id == active) for snapshot in snapshots], next_page_token=next_token
    )


def optimal_portfolio(problem: Problem, answer: Portfolio) -> service.OptimalPortfolio:
    """Return a portfolio as a message."""
    return service.OptimalPortfolio(**_optimal(problem, answer))


def _optimal(problem: Problem, answer: Portfolio) -> dict[str, Any]:
    return _part(
        weights=_by_product(problem, answer.weights, "weight"),
        analysis=_analysis(problem, answer.analysis),
        current=None if answer.current is None else _analysis(problem, answer.current),
        certificate=_certificate(answer.certificate),
        binding_limits=[
            _part(field=limit.field, bound=limit.bound, shadow_price=limit.shadow_price)
            for limit in answer.binding_limits
        ],
        reduced_costs=[
            _part(product_id=cost.product_id, missing_return=cost.missing_return) for cost in answer.reduced_costs
        ],
        limit_costs=[_part(field=cost.field, cost=cost.cost) for cost in answer.limit_costs],
        all_limits_cost=answer.all_limits_cost,
        optimality_gap=answer.optimality_gap,
        time_limited=answer.time_limited,
        weight_ranges=[
            _part(product_id=each.product_id, low=each.low, high=each.high) for each in answer.weight_ranges
        ],
        covariance_repair=answer.covariance_repair,
    )


def _part(**fields: Any) -> Any:
    """Return the fields of a message within another, which makes it of them: in half the time, without a copy."""
    return fields


def _by_product(problem: Problem, values: Vector, field: str) -> list[Any]:
    return [
        {"product_id": product.id, field: value}
        for product, value in zip(problem.products, values.tolist(), strict=True)
    ]


def analysis_message(problem: Problem, analysis: RiskAnalysis) -> messages.RiskAnalysis:
    """Return what to expect of a portfolio."""
    return messages.RiskAnalysis(**_analysis(problem, analysis))


def _analysis(problem: Problem, analysis: RiskAnalysis) -> dict[str, Any]:
    return _part(
        expected_return=analysis.expected_return,
        expected_return_net=analysis.expected_return_net,
        volatility=analysis.volatility,
        cvar=messages.ConditionalValueAtRisk(
            loss=analysis.cvar,
            confidence=CONFIDENCE,
            horizon_years=HORIZON_YEARS,
            distribution=messages.RETURN_DISTRIBUTION_NORMAL,
        ),
        risk_contributions=_by_product(problem, analysis.contributions, "contribution"),
        expense_ratio=analysis.expense_ratio,
    )


def _certificate(certificate: Certificate) -> messages.Certificate:
    return messages.Certificate(
        solver=certificate.solver,
        solver_version=certificate.solver_version,
        status=certificate.status,
        primal_residual=certificate.residuals.primal,
        dual_residual=certificate.residuals.dual,
        complementarity_residual=certificate.residuals.complementarity,
        tolerance=certificate.tolerance,
    )


def infeasibility_message(answer: Infeasible) -> messages.Infeasibility:
    """Return a contradiction as a message."""
    return messages.Infeasibility(
        conflicts=[_limit(limit) for limit in answer.conflicts],
        relax_together=[_limit(limit) for limit in answer.together],
    )


def _limit(limit: ConflictingLimit) -> messages.ConflictingLimit:
    return messages.ConflictingLimit(
        field=limit.field,
        bound=limit.bound,
        relaxed_bound=limit.relaxed_bound,
        relaxation_not_sought=limit.is_unsought,
    )


def _snapshot(snapshot: Snapshot | PriceSnapshot, is_active: bool) -> service.MarketSnapshot:
    if isinstance(snapshot, PriceSnapshot):
        return price_snapshot_message(snapshot, is_active)
    assumptions = snapshot.assumptions
    return service.MarketSnapshot(
        id=snapshot.id,
        active=is_active,
        assumption_set=assumptions.id,
        as_of=_date(assumptions.as_of),
        label=assumptions.label,
        asset_class_count=len(assumptions.classes),
    )


def _date(day: date) -> date_pb2.Date:
    return date_pb2.Date(year=day.year, month=day.month, day=day.day)
