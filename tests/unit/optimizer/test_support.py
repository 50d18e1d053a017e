"""The table of docs/optimizer/objectives.md, walked cell by cell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from services.optimizer.answers import OptimizeJob, Portfolio
from services.optimizer.engine import optimize
from services.optimizer.estimates import DenseCovariance, Estimates, Scenarios
from services.optimizer.objective import (
    EqualWeight,
    InverseVolatility,
    MaximumDiversification,
    MaximumSharpe,
    MeanCvarUtility,
    MeanVarianceUtility,
    MinimumCvar,
    MinimumTrackingError,
    MinimumVariance,
    RiskBudgeting,
    TargetReturn,
    TargetVolatility,
    Wanted,
)
from services.optimizer.problem import Bound, CvarLimit, Limits, PositionLimit, Problem, TrackingErrorLimit
from shared.errors import UnsupportedCombination
from tests.unit.optimizer.builders import ROOT, SOLVER, dense_market, group, products

RETURNS = np.random.default_rng(7).normal([0.06, 0.05, 0.04, 0.03], [0.2, 0.15, 0.1, 0.06], size=(200, 4))
EVEN = (0.25,) * 4
GOALS: dict[str, Wanted] = {
    "mean_variance_utility": MeanVarianceUtility(4.0),
    "minimum_variance": MinimumVariance(),
    "maximum_sharpe": MaximumSharpe(0.01),
    "target_return": TargetReturn(0.04),
    "target_volatility": TargetVolatility(0.12),
    "minimum_cvar": MinimumCvar(0.95),
    "mean_cvar_utility": MeanCvarUtility(0.95, 1.0),
    "risk_budgeting": RiskBudgeting(EVEN),
    "minimum_tracking_error": MinimumTrackingError((0.7, 0.1, 0.1, 0.1)),
    "maximum_diversification": MaximumDiversification(),
    "equal_weight": EqualWeight(),
    "inverse_volatility": InverseVolatility(),
}
# Loose enough for the reference portfolios, which are only checked; tight enough to bind some of the others.
LIMITS: dict[str, Any] = {
    "products": {"products": {"p3": Bound(maximum=0.55)}},
    "groups": {"groups": (group("g", ["p2", "p3"], 0.1, 0.8),)},
    "excluded_product_ids": {"excluded": frozenset(["p9"])},
    "min_cash": {"min_cash": 0.2},
    "max_risk_level_score": {"max_risk_level_score": 3.0},
    "max_liquidity_days": {"max_liquidity_days": 6.0},
    "max_turnover": {"max_turnover": 0.7},
    "max_volatility": {"max_volatility": 0.12},
    "max_cvar": {"max_cvar": CvarLimit(0.2, 0.95)},
    "tracking_error": {"tracking_error": TrackingErrorLimit(EVEN, 0.06)},
    "positions": {"positions": PositionLimit(4, 0.0)},
}


def _problem(limit: str) -> Problem:
    items = tuple(
        replace(item, risk_level=level, liquidity_days=2.0 * level, asset_class="us_cash" if level == 1 else "a0")
        for item, level in zip(products(4), (4, 3, 2, 1), strict=True)
    )
    estimates = Estimates(RETURNS.mean(axis=0), DenseCovariance(np.cov(RETURNS.T)), Scenarios(RETURNS, 1.0))
    return Problem("USD", items, Limits(**LIMITS[limit]), {"p0": 0.5, "p1": 0.5}, estimates)


def _documented() -> dict[tuple[str, str], bool]:
    text = (ROOT / "docs" / "optimizer" / "objectives.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split("|") for line in text.splitlines() if line.startswith("|")]
    table = [[cell.strip().strip("`") for cell in row] for row in rows]
    head = next(row for row in table if row[0] == "objective")
    body = [row for row in table if row[0] in GOALS and len(row) == len(head)]
    return {(row[0], limit): cell == "yes" for row in body for limit, cell in zip(head[1:], row[1:], strict=True)}


def test_the_table_has_every_pair() -> None:
    assert set(_documented()) == {(goal, limit) for goal in GOALS for limit in LIMITS}


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("goal", GOALS)
def test_a_pair_works_or_is_refused_as_the_table_says(goal: str, limit: str) -> None:
    job = OptimizeJob(_problem(limit), dense_market([0.0], [[0.0]]), GOALS[goal])

    if not _documented()[goal, limit]:
        with pytest.raises(UnsupportedCombination, match=limit):
            optimize(job, SOLVER)
        return

    answer = optimize(job, SOLVER)
    assert isinstance(answer, Portfolio)
    assert answer.certificate.residuals.largest <= answer.certificate.tolerance


@pytest.mark.parametrize("objective", [MinimumCvar(0.9), MeanCvarUtility(0.9, 1.0)])
def test_a_loss_in_the_goal_and_one_at_another_confidence_in_a_limit_are_refused_at_once(objective: Wanted) -> None:
    with pytest.raises(UnsupportedCombination, match=r"limits\.max_cvar\.confidence is 0\.95 .* 0\.9;"):
        optimize(OptimizeJob(_problem("max_cvar"), dense_market([0.0] * 4, np.eye(4)), objective), SOLVER)
