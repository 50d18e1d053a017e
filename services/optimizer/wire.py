"""Answers to messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from fiducia.optimizer.v1 import optimizer_service_pb2 as service
from fiducia.optimizer.v1 import portfolio_pb2 as messages
from fiducia.type.v1 import weight_pb2
from google.type import date_pb2

from services.optimizer.answers import Frontier, Infeasible, Portfolio
from services.optimizer.certificate import Certificate
from services.optimizer.moments import Vector
from services.optimizer.problem import Problem
from services.optimizer.risk import CONFIDENCE, HORIZON_YEARS, RiskAnalysis
from services.optimizer.snapshots import Snapshot


def optimize_response(
    problem: Problem, answer: Portfolio | Infeasible, snapshot: str
) -> service.OptimizePortfolioResponse:
    """Return the answer to OptimizePortfolio."""
    if isinstance(answer, Infeasible):
        return service.OptimizePortfolioResponse(infeasibility=_infeasibility(answer), market_snapshot=snapshot)
    return service.OptimizePortfolioResponse(optimal=_optimal(problem, answer), market_snapshot=snapshot)


def frontier_response(
    problem: Problem, answer: Frontier | Infeasible, snapshot: str
) -> service.ComputeFrontierResponse:
    """Return the answer to ComputeFrontier."""
    if isinstance(answer, Infeasible):
        return service.ComputeFrontierResponse(infeasibility=_infeasibility(answer), market_snapshot=snapshot)
    points = [
        service.FrontierPoint(
            weights=_weights(problem, point.weights),
            expected_return_net=point.expected_return_net,
            volatility=point.volatility,
            certificate=_certificate(point.certificate),
        )
        for point in answer.points
    ]
    return service.ComputeFrontierResponse(frontier=service.Frontier(points=points), market_snapshot=snapshot)


def snapshots_response(
    snapshots: Sequence[Snapshot], active: str | None, next_token: str
) -> service.ListMarketSnapshotsResponse:
    """Return a page of snapshots."""
    return service.ListMarketSnapshotsResponse(
        snapshots=[_snapshot(snapshot, snapshot.id == active) for snapshot in snapshots], next_page_token=next_token
    )


def _optimal(problem: Problem, answer: Portfolio) -> service.OptimalPortfolio:
    return service.OptimalPortfolio(
        weights=_weights(problem, answer.weights),
        analysis=_analysis(problem, answer.analysis),
        current=None if answer.current is None else _analysis(problem, answer.current),
        certificate=_certificate(answer.certificate),
        binding_limits=[
            messages.BindingLimit(field=limit.field, bound=limit.bound, shadow_price=limit.shadow_price)
            for limit in answer.binding_limits
        ],
    )


def _weights(problem: Problem, weights: Vector) -> list[weight_pb2.Weight]:
    return [
        weight_pb2.Weight(product_id=product.id, weight=float(weight))
        for product, weight in zip(problem.products, weights, strict=True)
    ]


def _analysis(problem: Problem, analysis: RiskAnalysis) -> messages.RiskAnalysis:
    return messages.RiskAnalysis(
        expected_return=analysis.expected_return,
        expected_return_net=analysis.expected_return_net,
        volatility=analysis.volatility,
        cvar=messages.ConditionalValueAtRisk(
            loss=analysis.cvar,
            confidence=CONFIDENCE,
            horizon_years=HORIZON_YEARS,
            distribution=messages.RETURN_DISTRIBUTION_NORMAL,
        ),
        risk_contributions=[
            messages.RiskContribution(product_id=product.id, contribution=float(contribution))
            for product, contribution in zip(problem.products, analysis.contributions, strict=True)
        ],
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


def _infeasibility(answer: Infeasible) -> messages.Infeasibility:
    return messages.Infeasibility(
        conflicts=[
            messages.ConflictingLimit(field=limit.field, bound=limit.bound, relaxed_bound=limit.relaxed_bound)
            for limit in answer.conflicts
        ]
    )


def _snapshot(snapshot: Snapshot, is_active: bool) -> service.MarketSnapshot:
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
