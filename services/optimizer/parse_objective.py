"""Messages to objectives."""

from __future__ import annotations

from collections.abc import Sequence

from fiducia.optimizer.v1 import objective_pb2 as messages

from services.optimizer.checks import Checks
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
from services.optimizer.parse_limits import parse_confidence
from services.optimizer.parse_size import refuse_too_large
from services.optimizer.parse_weights import BUDGET_SLACK, parse_benchmark

MAX_RISK_AVERSION = 1_000.0
_MAX_RATE = 1.0
_MAX_VOLATILITY = 5.0


def parse_objective(message: messages.Objective, checks: Checks, product_ids: Sequence[str] = ()) -> Wanted:
    """Return the objective over these products; noted in `checks` where it is missing or out of range."""
    refuse_too_large(message, "objective")
    match message.WhichOneof("goal"):
        case "mean_variance_utility":
            aversion = message.mean_variance_utility.risk_aversion
            checks.positive("objective.mean_variance_utility.risk_aversion", aversion, MAX_RISK_AVERSION)
            return MeanVarianceUtility(aversion)
        case "minimum_variance":
            return MinimumVariance()
        case "maximum_sharpe":
            rate = message.maximum_sharpe.risk_free_rate
            return MaximumSharpe(checks.number("objective.maximum_sharpe.risk_free_rate", rate, -_MAX_RATE, _MAX_RATE))
        case "target_return":
            wanted, field = message.target_return.min_expected_return_net, "min_expected_return_net"
            return TargetReturn(checks.number(f"objective.target_return.{field}", wanted, -_MAX_RATE, _MAX_RATE))
        case "target_volatility":
            allowed = message.target_volatility.max_volatility
            return TargetVolatility(
                checks.positive("objective.target_volatility.max_volatility", allowed, _MAX_VOLATILITY)
            )
        case "minimum_tracking_error":
            path = "objective.minimum_tracking_error.benchmark"
            benchmark = message.minimum_tracking_error.benchmark
            return MinimumTrackingError(parse_benchmark(path, benchmark, product_ids, checks))
        case "minimum_cvar":
            confidence = message.minimum_cvar.confidence
            return MinimumCvar(parse_confidence("objective.minimum_cvar.confidence", confidence, checks))
        case "mean_cvar_utility":
            utility, path = message.mean_cvar_utility, "objective.mean_cvar_utility"
            checks.positive(f"{path}.risk_aversion", utility.risk_aversion, MAX_RISK_AVERSION)
            confidence = parse_confidence(f"{path}.confidence", utility.confidence, checks)
            return MeanCvarUtility(confidence, utility.risk_aversion)
        case "risk_budgeting":
            return _risk_budgeting(message.risk_budgeting, product_ids, checks)
        case "maximum_diversification":
            return MaximumDiversification()
        case "equal_weight":
            return EqualWeight()
        case "inverse_volatility":
            return InverseVolatility()
        case _:
            checks.refuse("objective.goal", "missing; set one of the goals, for example minimum_variance")
            return MinimumVariance()


def _risk_budgeting(message: messages.RiskBudgeting, product_ids: Sequence[str], checks: Checks) -> RiskBudgeting:
    path, seen = "objective.risk_budgeting.budgets", set[str]()
    if not message.budgets:
        return RiskBudgeting(tuple(1.0 / len(product_ids) for _ in product_ids))
    known = frozenset(product_ids)
    for i, budget in enumerate(message.budgets):
        checks.one_of(f"{path}[{i}].product_id", budget.product_id, known, "a product of this request")
        checks.unique(f"{path}[{i}].product_id", budget.product_id, seen)
        checks.positive(f"{path}[{i}].share", budget.share, 1.0)
    missing = [name for name in product_ids if name not in seen]
    if missing:
        checks.refuse(path, f"{missing[0]!r} has no budget; send one for each product, or none for equal shares")
    total = sum(budget.share for budget in message.budgets)
    if not abs(total - 1.0) <= BUDGET_SLACK:
        checks.refuse(path, f"shares sum to {total:g}, expected 1; normalise before sending")
    shares = {budget.product_id: budget.share for budget in message.budgets}
    return RiskBudgeting(tuple(shares.get(name, 0.0) for name in product_ids))
