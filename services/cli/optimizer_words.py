"""The optimizer's limits and their shadow prices in words; it names limits by the fields of the request."""

from __future__ import annotations

import math
import re

from fiducia.optimizer.v1 import objective_pb2, portfolio_pb2

from services.cli.format import percent
from services.cli.limits import limit_in_words

Limit = portfolio_pb2.BindingLimit | portfolio_pb2.ConflictingLimit

_POINT = 0.01
_TENTH = 0.1
# A whole point of expected return is a quarter of all there is: too far for a slope.
_RETURN = "min_expected_return_net"
_MEMBER = re.compile(r"limits\.(?:products|groups)\[([^\]]+)\]\.(min|max)_weight$")
_EXCLUDED = re.compile(r"limits\.excluded_product_ids\[([^\]]+)\]$")
# By the last part of the field: what it bounds, in words.
_FRACTIONS = {
    "max_turnover": "turnover",
    "max_volatility": "volatility",
    "max_loss": "mean loss in bad outcomes",
    "max_cvar": "mean loss in bad outcomes",
    "max_tracking_error": "tracking error",
    "tracking_error": "tracking error",
    "min_cash": "cash",
    "min_position": "weight of each position",
    _RETURN: "expected return",
}
_NUMBERS = {
    "max_risk_level_score": ("risk level", "", _TENTH, "a tenth of a risk level more"),
    "max_liquidity_days": ("days to sell", "", 1.0, "one day more to sell"),
    "max_positions": ("number of positions", "", 1.0, "one position more"),
}


def limit_words(limit: Limit) -> str:
    """Return `VTI at most 40.0 %` or `days to sell at most 3`; an unknown field keeps its name."""
    return bound_words(limit.field, limit.bound) or limit_in_words(limit)


def bound_words(field: str, bound: float) -> str:
    """Return the limit of this field at this bound in words; empty where the field is not known."""
    excluded, member, last = _EXCLUDED.search(field), _MEMBER.search(field), field.rsplit(".", 1)[-1]
    if excluded:
        return f"{excluded[1]} excluded"
    if member:
        return f"{member[1]} {_side(member[2])} {percent(bound)}"
    if last in _FRACTIONS:
        return f"{_FRACTIONS[last]} {_side(last)} {percent(bound, 2)}"
    if last in _NUMBERS:
        return f"{_NUMBERS[last][0]} {_side(last)} {bound:g}"
    return ""


def price_words(
    limit: portfolio_pb2.BindingLimit, objective: objective_pb2.Objective, analysis: portfolio_pb2.RiskAnalysis
) -> str:
    """Return what loosening a limit a little is worth: `one point more turnover adds 0.017 % expected return`.

    A shadow price is a slope: it holds for small steps only.
    """
    step, words = _step(limit.field)
    return f"{words} {_gain(limit.shadow_price * step, objective, analysis)}"


def cost_words(cost: float, objective: objective_pb2.Objective, analysis: portfolio_pb2.RiskAnalysis) -> str:
    """Return what dropping a limit would give: `takes 0.31 % off the volatility`."""
    goal = objective.WhichOneof("goal")
    if goal in ("minimum_variance", "target_return"):
        without = math.sqrt(max(analysis.volatility**2 - cost, 0.0))
        return f"takes {percent(analysis.volatility - without, 3)} off the volatility"
    return _gain(cost, objective, analysis)


def _side(name: str) -> str:
    return "at least" if name.startswith("min") else "at most"


def _step(field: str) -> tuple[float, str]:
    """Return a small step of the limit's own unit, and the step in words."""
    excluded, member, last = _EXCLUDED.search(field), _MEMBER.search(field), field.rsplit(".", 1)[-1]
    if excluded:
        return _POINT, f"allowing one point of {excluded[1]}"
    if member:
        return _POINT, f"one point {'less' if member[2] == 'min' else 'more'} {member[1]}"
    if last in _NUMBERS:
        return _NUMBERS[last][2:]
    if last == _RETURN:
        return _TENTH * _POINT, "a tenth of a point less expected return"
    way = "less" if last.startswith("min") else "more"
    return _POINT, f"one point {way} {_FRACTIONS.get(last, field)}"


def _gain(gain: float, objective: objective_pb2.Objective, analysis: portfolio_pb2.RiskAnalysis) -> str:
    """Return the gain of the objective in the unit that people know it by."""
    match objective.WhichOneof("goal"):
        case "mean_variance_utility" | "mean_cvar_utility":
            return f"adds {percent(gain, 3)} expected return, its risk paid for"
        case "target_volatility":
            return f"adds {percent(gain, 3)} expected return"
        case "minimum_variance" | "target_return" if analysis.volatility > 0:
            return f"takes {percent(gain / (2 * analysis.volatility), 3)} off the volatility"
        case "maximum_sharpe":
            return f"adds {gain:.4f} to the Sharpe ratio"
        case "maximum_diversification":
            return f"adds {gain:.4f} to the diversification ratio"
        case "minimum_cvar":
            return f"takes {percent(gain, 3)} off the mean loss in bad outcomes"
        case "minimum_tracking_error":
            return f"takes {gain:.2e} off the variance of the difference to the benchmark"
    return f"improves the objective by {gain:.2e}"
