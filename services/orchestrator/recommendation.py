"""The recommendation: lines, trades, cost and a bad year in money, and the ways that were not chosen."""

from __future__ import annotations

from dataclasses import dataclass

from services.orchestrator.allocation import AllocationLine, allocation_lines, weight_caps, without_crumbs
from services.orchestrator.alternatives import Alternative, alternatives
from services.orchestrator.case import Case
from services.orchestrator.catalogue.risk_level import band_level
from services.orchestrator.catalogue.schema import RiskLevelName
from services.orchestrator.holdings import CurrentPortfolio
from services.orchestrator.money import Money
from services.orchestrator.portfolio import (
    BindingLimit,
    Certificate,
    OptimalPortfolio,
    PortfolioProblem,
    RiskAnalysis,
    Weight,
)
from services.orchestrator.trades import Trade, trades


@dataclass(frozen=True)
class Recommendation:
    """What is proposed; `optimal_weights` is the optimum as the optimizer gave it, `rounding_gap` its distance."""

    lines: tuple[AllocationLine, ...]
    trades: tuple[Trade, ...]
    analysis: RiskAnalysis
    current: RiskAnalysis | None
    total_value: Money
    yearly_cost: Money
    bad_year_loss: Money
    portfolio_risk_level: RiskLevelName
    certificate: Certificate
    binding_limits: tuple[BindingLimit, ...]
    alternatives: tuple[Alternative, ...]
    optimal_weights: tuple[Weight, ...]
    dropped_weight: float
    rounding_gap: float
    market_snapshot: str


def recommend(
    case: Case,
    current: CurrentPortfolio,
    problem: PortfolioProblem,
    optimal: OptimalPortfolio,
    minimum_risk: OptimalPortfolio,
) -> Recommendation:
    """Return the recommendation that follows from the optimum of `problem` and from its least volatile portfolio."""
    held = {position.key: position.weight for position in current.positions}
    cleaned = without_crumbs(optimal.weights, held, weight_caps(problem))
    lines = allocation_lines(case, current, optimal, cleaned.weights)
    analysis, total = optimal.analysis, current.total
    return Recommendation(
        lines=lines,
        trades=trades(current, lines),
        analysis=analysis,
        current=optimal.current if current.positions else None,
        total_value=total,
        yearly_cost=total.share(analysis.expense_ratio),
        bad_year_loss=total.share(analysis.cvar.loss),
        portfolio_risk_level=band_level(analysis.volatility, case.catalogue.level_rule),
        certificate=optimal.certificate,
        binding_limits=optimal.binding_limits,
        alternatives=alternatives(case, current, optimal, minimum_risk),
        optimal_weights=optimal.weights,
        dropped_weight=cleaned.dropped_weight,
        rounding_gap=cleaned.gap,
        market_snapshot=optimal.market_snapshot,
    )
