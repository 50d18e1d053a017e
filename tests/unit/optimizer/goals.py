"""Goals and returns small enough to work out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from services.optimizer.bootstrap import BlockBootstrap
from services.optimizer.goal import Goal, GoalJob, GoalOutcome, PseudoRandom, Sampling, ScrambledSobol
from services.optimizer.goal_simulation import simulate_goal
from services.optimizer.log_normal import LogNormal, monthly_log_moments

FEW = PseudoRandom(path_count=400, seed=7)
LUMP_SUM = Goal(
    months=120,
    initial_value=100_000.0,
    monthly_contribution=0.0,
    monthly_withdrawal=0.0,
    withdrawal_month=None,
    target_value=130_000.0,
    inflation=0.02,
    advisory_fee=0.005,
)


def goal(**changes: Any) -> Goal:
    """Return the goal of a lump sum with these changes."""
    return replace(LUMP_SUM, **changes)


def log_normal(months: int, mean: float = 0.06, volatility: float = 0.12) -> LogNormal:
    """Return the same log-normal month over and over, from yearly mean and volatility."""
    drift, deviation = monthly_log_moments(mean, volatility)
    return LogNormal(np.full(months, drift), np.full(months, deviation))


def bootstrap(past: list[float], months: int, block_months: float = 12.0) -> BlockBootstrap:
    """Return blocks of one portfolio's past months."""
    return BlockBootstrap(np.array(past)[:, None], np.zeros(months, dtype=np.int64), block_months)


def simulated(
    wanted: Goal,
    sampling: Sampling = FEW,
    mean: float = 0.06,
    volatility: float = 0.12,
    wanted_probability: float | None = None,
) -> GoalOutcome:
    """Return what comes of a goal under log-normal months."""
    returns = log_normal(wanted.months, mean, volatility)
    return simulate_goal(GoalJob(wanted, returns, sampling, wanted_probability))


def sobol(path_count: int, seed: int = 7) -> ScrambledSobol:
    """Return scrambled Sobol points."""
    return ScrambledSobol(path_count, seed)
