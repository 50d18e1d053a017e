"""Which limits go with which objective; the others are answered with UnsupportedCombination.

docs/optimizer/objectives.md shows the same as a table, and a test walks through it.
"""

from __future__ import annotations

import re
from functools import cache

from services.optimizer.objective import (
    MeanCvarUtility,
    MeanVarianceUtility,
    MinimumCvar,
    MinimumTrackingError,
    MinimumVariance,
    RiskBudgeting,
    TargetReturn,
    Wanted,
)
from services.optimizer.problem import Limits, Problem
from shared.errors import UnsupportedCombination

LINEAR = frozenset(
    {"products", "groups", "excluded_product_ids", "min_cash", "max_risk_level_score", "max_liquidity_days"}
)
EVERY = LINEAR | {"max_turnover", "max_volatility", "max_cvar", "tracking_error"}
# A frontier is traced over the linear limits, turnover and volatility alone.
FRONTIER = LINEAR | {"max_turnover", "max_volatility"}
# A search over positions needs bounds from quadratic programs: curved limits and ratios have none here.
_WITH_POSITIONS = (MeanVarianceUtility, MinimumVariance, TargetReturn, MinimumTrackingError)
BESIDE_POSITIONS = LINEAR | {"max_turnover", "positions"}
_CURVED = frozenset({"max_volatility", "tracking_error"})
_SCENARIOS = (
    "problem.estimates.scenarios, or, but for a back-test, a market snapshot that holds prices of all products in the "
    "base currency"
)
# MinimumCvar is the field minimum_cvar of the request's objective.
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


def supported_limits(objective: type[Wanted]) -> frozenset[str]:
    """Return the fields of `Limits` that the objective goes with."""
    if objective in (MinimumCvar, MeanCvarUtility):
        # A linear program: what is curved would need another solver and another proof.
        return EVERY - _CURVED
    if objective is RiskBudgeting:
        # With limits the contributions cannot be in proportion to the budgets any more.
        return frozenset()
    if objective in _WITH_POSITIONS:
        return EVERY | {"positions"}
    # Equal weights and inverse volatility are checked against them; the others are found within them.
    return EVERY


def limits_in_use(limits: Limits) -> frozenset[str]:
    """Return the fields of `Limits` that say anything."""
    said = {
        "products": bool(limits.products),
        "groups": bool(limits.groups),
        "excluded_product_ids": bool(limits.excluded),
        "min_cash": limits.min_cash is not None,
        "max_risk_level_score": limits.max_risk_level_score is not None,
        "max_liquidity_days": limits.max_liquidity_days is not None,
        "max_turnover": limits.max_turnover is not None,
        "max_volatility": limits.max_volatility is not None,
        "max_cvar": limits.max_cvar is not None,
        "tracking_error": limits.tracking_error is not None,
        "positions": limits.positions is not None,
    }
    return frozenset(name for name, is_said in said.items() if is_said)


def refuse_unsupported(objective: Wanted, problem: Problem) -> None:
    """Raise UnsupportedCombination where the objective does not go with a limit or lacks what it is computed from."""
    name = _name_of(type(objective).__name__)
    in_use = limits_in_use(problem.limits)
    if refused := sorted(in_use - supported_limits(type(objective))):
        raise UnsupportedCombination(f"{name} does not go with limits.{refused[0]}; drop one of the two")
    if "positions" in in_use and (beside := sorted(in_use - BESIDE_POSITIONS)):
        raise UnsupportedCombination(f"limits.positions does not go with limits.{beside[0]}; drop one of the two")
    _refuse_other_confidence(objective, problem, name)
    if problem.scenarios is not None:
        return
    if isinstance(objective, MinimumCvar | MeanCvarUtility):
        raise UnsupportedCombination(f"{name} needs {_SCENARIOS}")
    if problem.limits.max_cvar is not None:
        raise UnsupportedCombination(f"limits.max_cvar needs {_SCENARIOS}")


def _refuse_other_confidence(objective: Wanted, problem: Problem, name: str) -> None:
    """Raise UnsupportedCombination for a loss in the goal and another in a limit: no single price joins the two."""
    limit = problem.limits.max_cvar
    if limit is None or not isinstance(objective, MinimumCvar | MeanCvarUtility):
        return
    if limit.confidence != objective.confidence:
        raise UnsupportedCombination(
            f"limits.max_cvar.confidence is {limit.confidence:g} and {name}.confidence {objective.confidence:g}; "
            "state the same confidence for both, or drop limits.max_cvar"
        )


def refuse_resamples(problem: Problem) -> None:
    """Raise UnsupportedCombination where ranges of weights are wanted that would need a search for each draw."""
    if problem.limits.positions is not None:
        raise UnsupportedCombination("resamples do not go with limits.positions; drop one of the two")


@cache
def _name_of(objective: str) -> str:
    """Return the field of the request that asks for the objective, which is named after its class."""
    return f"objective.{_WORD.sub('_', objective).lower()}"


def refuse_unsupported_frontier(problem: Problem) -> None:
    """Raise UnsupportedCombination where a frontier does not go with a limit."""
    refused = sorted(limits_in_use(problem.limits) - FRONTIER)
    if refused:
        raise UnsupportedCombination(f"a frontier does not go with limits.{refused[0]}; drop it")
