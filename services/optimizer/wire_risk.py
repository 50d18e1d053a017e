"""Risk reports as messages."""

from __future__ import annotations

from fiducia.optimizer.v1 import risk_pb2 as messages

from services.optimizer.problem import Problem
from services.optimizer.risk_report import RiskReport
from services.optimizer.stress import StressResult
from services.optimizer.tail_risk import TailRisk
from services.optimizer.wire import analysis_message


def risk_response(problem: Problem, report: RiskReport, snapshot: str) -> messages.AnalyzeRiskResponse:
    """Return the answer to AnalyzeRisk."""
    return messages.AnalyzeRiskResponse(
        analysis=analysis_message(problem, report.analysis),
        marginal_contributions=report.marginal_contributions.tolist(),
        class_contributions=[
            messages.ClassRiskContribution(asset_class=name, contribution=value)
            for name, value in report.class_contributions
        ],
        tails=[_tail(tail) for tail in report.tails],
        max_drawdown=report.max_drawdown,
        stresses=[_stress(stress) for stress in report.stresses],
        beta=report.beta,
        tracking_error=report.tracking_error,
        duration_years=report.duration_years,
        duration_coverage=report.duration_coverage,
        market_snapshot=snapshot,
    )


def _tail(tail: TailRisk) -> messages.TailRisk:
    return messages.TailRisk(
        confidence=tail.confidence,
        horizon_years=tail.horizon_years,
        method=messages.TailMethod.Value(f"TAIL_METHOD_{tail.method.value}"),
        value_at_risk=tail.value_at_risk,
        conditional_value_at_risk=tail.conditional_value_at_risk,
        outcome_count=tail.outcome_count,
    )


def _stress(stress: StressResult) -> messages.StressResult:
    return messages.StressResult(
        scenario=stress.scenario,
        description=stress.description,
        loss=stress.loss,
        contributions=stress.contributions.tolist(),
    )
