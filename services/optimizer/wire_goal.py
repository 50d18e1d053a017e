"""Outcomes of goals to messages."""

from __future__ import annotations

from fiducia.optimizer.v1 import goal_pb2 as messages

from services.optimizer.goal import PERCENTILES, GoalOutcome


def goal_response(outcome: GoalOutcome, snapshot: str) -> messages.SimulateGoalResponse:
    """Return the answer to SimulateGoal."""
    return messages.SimulateGoalResponse(
        success_probability=outcome.success_probability,
        standard_error=outcome.standard_error,
        scramble_count=outcome.scramble_count,
        percentiles=PERCENTILES,
        fan=[messages.FanPoint(year=point.year, values=point.values) for point in outcome.fan],
        extra_monthly_contribution=outcome.extra_contribution,
        ruin_probability=outcome.ruin_probability,
        market_snapshot=snapshot,
    )
