"""Messages to goals: every field is checked, and every fault is reported under its full path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from fiducia.optimizer.v1 import goal_pb2 as messages

from services.optimizer.checks import Checks
from services.optimizer.glide_path import GlidePath
from services.optimizer.goal import Goal, PseudoRandom, Sampling, ScrambledSobol
from services.optimizer.log_normal import MONTHS_A_YEAR
from services.optimizer.moments import Market
from services.optimizer.parse_size import refuse_too_large
from services.optimizer.parse_weights import parse_weights
from services.optimizer.problem import Problem
from shared.errors import UnsupportedCombination

MAX_YEARS = 60.0
MAX_MONEY = 1e15
MAX_STEPS = 100
DEFAULT_PATHS = 10_000
DEFAULT_BLOCK_MONTHS = 12.0
_LEAST_PATHS, _MOST_PATHS = 100, 1_000_000
_LONGEST_BLOCK = 240.0
_LEAST_INFLATION, _LARGEST_INFLATION = -0.1, 1.0
_LARGEST_FEE = 0.1


@dataclass(frozen=True, eq=False)
class GoalRequest:
    """A goal with the portfolios it is to be met with; `block_months` is None for log-normal returns."""

    goal: Goal
    glide: GlidePath
    sampling: Sampling
    block_months: float | None
    wanted_probability: float | None


def parse_goal(message: messages.SimulateGoalRequest, problem: Problem, market: Market, checks: Checks) -> GoalRequest:
    """Return the goal, to be used only if `checks` holds nothing afterwards."""
    refuse_too_large(message)
    glide = _glide_path(message.glide_path, [product.id for product in problem.products], checks)
    goal = _goal(message, market, checks)
    return GoalRequest(
        goal, glide, _sampling(message, checks), _block_months(message, problem, checks), _wanted(message, goal, checks)
    )


def _goal(message: messages.SimulateGoalRequest, market: Market, checks: Checks) -> Goal:
    checks.positive("horizon_years", message.horizon_years, MAX_YEARS)
    money = ("initial_value", "monthly_contribution", "monthly_withdrawal", "target_value")
    amounts = {field: checks.number(field, getattr(message, field), 0.0, MAX_MONEY) for field in money}
    return Goal(
        months=max(_month(message.horizon_years), 1),
        withdrawal_month=_withdrawal_month(message, checks),
        inflation=_inflation(message, market, checks),
        advisory_fee=checks.number("advisory_fee", message.advisory_fee, 0.0, _LARGEST_FEE),
        **amounts,
    )


def _withdrawal_month(message: messages.SimulateGoalRequest, checks: Checks) -> int | None:
    if message.HasField("withdrawal_start_year"):
        return _month(checks.number("withdrawal_start_year", message.withdrawal_start_year, 0.0, MAX_YEARS))
    if message.monthly_withdrawal > 0.0:
        checks.refuse("withdrawal_start_year", "missing; say when the withdrawals start")
    return None


def _inflation(message: messages.SimulateGoalRequest, market: Market, checks: Checks) -> float:
    if message.HasField("inflation"):
        return checks.number("inflation", message.inflation, _LEAST_INFLATION, _LARGEST_INFLATION)
    currency = message.problem.base_currency
    if currency not in market.inflation:
        checks.refuse("inflation", f"missing, and the market snapshot states none for {currency[:40]!r}; send it")
    return market.inflation.get(currency, 0.0)


def _glide_path(steps: Sequence[messages.GlideStep], product_ids: Sequence[str], checks: Checks) -> GlidePath:
    checks.count("glide_path", len(steps), 1, MAX_STEPS)
    weights = np.zeros((len(steps), len(product_ids)))
    months: list[int] = []
    for i, step in enumerate(steps):
        path = f"glide_path[{i}]"
        month = _month(checks.number(f"{path}.from_year", step.from_year, 0.0, MAX_YEARS))
        if not months and month != 0:
            checks.refuse(f"{path}.from_year", f"found {step.from_year:g}, expected 0: the first step starts today")
        if months and month <= months[-1]:
            checks.refuse(f"{path}.from_year", "starts no month later than the step before it; order them by time")
        months.append(month)
        weights[i] = parse_weights(f"{path}.weights", step.weights, product_ids, checks)
    return GlidePath(tuple(months), weights)


def _sampling(message: messages.SimulateGoalRequest, checks: Checks) -> Sampling:
    if message.path_count != 0:
        checks.number("path_count", message.path_count, _LEAST_PATHS, _MOST_PATHS)
    count = message.path_count or DEFAULT_PATHS
    is_bootstrap = message.return_model == messages.RETURN_MODEL_BLOCK_BOOTSTRAP
    match message.sampling:
        case messages.SAMPLING_METHOD_UNSPECIFIED if is_bootstrap:
            return PseudoRandom(count, message.seed)
        case messages.SAMPLING_METHOD_PSEUDO_RANDOM:
            return PseudoRandom(count, message.seed)
        case messages.SAMPLING_METHOD_UNSPECIFIED | messages.SAMPLING_METHOD_SOBOL:
            return ScrambledSobol(count, message.seed)
    checks.refuse("sampling", f"found {message.sampling}, expected a value of SamplingMethod")
    return PseudoRandom(count, message.seed)


def _block_months(message: messages.SimulateGoalRequest, problem: Problem, checks: Checks) -> float | None:
    if message.block_months != 0.0:
        checks.number("block_months", message.block_months, 1.0, _LONGEST_BLOCK)
    match message.return_model:
        case messages.RETURN_MODEL_UNSPECIFIED | messages.RETURN_MODEL_LOG_NORMAL:
            return None
        case messages.RETURN_MODEL_BLOCK_BOOTSTRAP:
            if problem.estimates is not None:
                checks.refuse("problem.estimates", "the block bootstrap draws from prices alone; leave them out")
            return message.block_months or DEFAULT_BLOCK_MONTHS
    checks.refuse("return_model", f"found {message.return_model}, expected a value of ReturnModel")
    return None


def _wanted(message: messages.SimulateGoalRequest, goal: Goal, checks: Checks) -> float | None:
    if not message.HasField("wanted_probability"):
        return None
    wanted = message.wanted_probability
    if not 0.0 < wanted < 1.0:
        checks.refuse("wanted_probability", f"found {wanted:g}, expected a number above 0 and below 1")
    elif goal.paid_months == 0:
        checks.refuse("wanted_probability", "no month is left to pay more in: withdrawals start today; leave it out")
    return wanted


def refuse_unsupported(request: GoalRequest) -> None:
    """Raise UnsupportedCombination for Sobol points in a bootstrap, where they have no order to gain from."""
    if request.block_months is not None and isinstance(request.sampling, ScrambledSobol):
        raise UnsupportedCombination("Sobol points are for log-normal returns; use pseudo-random numbers to bootstrap")


def _month(years: float) -> int:
    """Return the nearest whole number of months; 0 for what is refused anyway."""
    return round(years * MONTHS_A_YEAR) if 0.0 <= years <= MAX_YEARS else 0
