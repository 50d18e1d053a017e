"""Simulates a goal month by month over many paths, in chunks, so that memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import SeedSequence, default_rng
from numpy.typing import NDArray

from services.optimizer.bootstrap import BlockBootstrap
from services.optimizer.glide_path import AssumedReturns
from services.optimizer.goal import (
    FanPoint,
    Goal,
    GoalJob,
    GoalOutcome,
    PseudoRandom,
    Sampling,
    ScrambledSobol,
)
from services.optimizer.goal_solve import extra_contribution, missing_contributions
from services.optimizer.goal_tally import Fan, Tally
from services.optimizer.log_normal import MONTHS_A_YEAR, LogNormal
from services.optimizer.moments import Matrix, Vector
from services.optimizer.sobol import bridged_normals, scrambles

# 2,048 paths of 720 months are 12 MB; a power of two keeps Sobol points balanced.
CHUNK = 2_048
# Rounding over 720 months stays below 1e-12 of the sums involved; less than this share missing is not missing.
_SLACK = 1e-9


@dataclass(frozen=True, eq=False)
class _Walk:
    """What became of the paths of one chunk.

    worth:  (years and the end, paths).  success, ruined: (paths,).
    missing: (paths,), the extra contribution with which each path succeeds; below 0 where less would do.
    """

    worth: Matrix
    success: NDArray[np.bool_]
    ruined: NDArray[np.bool_]
    missing: Vector


def simulate_goal(job: GoalJob) -> GoalOutcome:
    """Return what may come of the goal; the same job gives the same outcome, byte for byte. Raises InvalidRequest."""
    returns = job.returns
    if isinstance(returns, AssumedReturns):
        returns = returns.log_normal(job.goal.months)
    fan, tally, missing = Fan(), Tally(), []
    for group, growth in _growth(job.goal, returns, job.sampling):
        walk = _walk(job.goal, growth)
        fan.add(walk.worth)
        tally.add(group, walk.success, walk.ruined)
        if job.wanted_probability is not None:
            missing.append(walk.missing)
    success = tally.success_probability
    return GoalOutcome(
        success_probability=success,
        standard_error=tally.standard_error(job.sampling),
        scramble_count=tally.group_count if isinstance(job.sampling, ScrambledSobol) else 0,
        fan=_fan_points(job.goal, fan.percentiles()),
        extra_contribution=None
        if job.wanted_probability is None
        else extra_contribution(np.concatenate(missing), job.wanted_probability, success),
        ruin_probability=tally.ruin_probability,
    )


def report_months(months: int) -> tuple[int, ...]:
    """Return the months after which the worth is reported: today, each year, the end."""
    return (*range(0, months, MONTHS_A_YEAR), months)


def _growth(goal: Goal, returns: LogNormal | BlockBootstrap, sampling: Sampling) -> Iterator[tuple[int, Matrix]]:
    """Yield the group of each chunk and its growth, in today's money, of one unit in each month, (months, paths)."""
    seeds = SeedSequence(sampling.seed)
    match sampling, returns:
        case ScrambledSobol(path_count), LogNormal():
            count, points = scrambles(path_count)
            for scramble, seed in enumerate(seeds.spawn(count)):
                for normals in bridged_normals(goal.months, points, default_rng(seed), CHUNK):
                    yield scramble, returns.growth(normals) * goal.keep
        case PseudoRandom(path_count), LogNormal():
            generator = default_rng(seeds)
            for paths in _chunks(path_count):
                yield 0, returns.growth(generator.standard_normal((goal.months, paths))) * goal.keep
        case PseudoRandom(path_count), BlockBootstrap():
            generator = default_rng(seeds)
            for paths in _chunks(path_count):
                yield 0, returns.growth(generator, paths) * goal.keep
        case _:
            raise TypeError("Sobol points are for log-normal returns only")


def _chunks(path_count: int) -> Iterator[int]:
    for start in range(0, path_count, CHUNK):
        yield min(CHUNK, path_count - start)


def _walk(goal: Goal, growth: Matrix) -> _Walk:
    """Follow the worth through the months: flows at the start of each, growth until its end."""
    paths = growth.shape[1]
    reports = report_months(goal.months)
    worth = np.full(paths, goal.initial_value)
    ruined = np.zeros(paths, dtype=np.bool_)
    # The same without a floor at zero, and what one unit more a month would have become.
    balance, unit = worth.copy(), np.zeros(paths)
    reported = [worth.copy()]
    for month in range(goal.months):
        is_paid_in = month < goal.paid_months
        flow = goal.monthly_contribution if is_paid_in else -goal.monthly_withdrawal
        worth = worth + flow
        ruined |= worth < -_SLACK * goal.monthly_withdrawal
        worth = np.maximum(worth, 0.0) * growth[month]
        balance = (balance + flow) * growth[month]
        unit = (unit + is_paid_in) * growth[month]
        if month + 1 in reports:
            reported.append(worth)
    success = ~ruined & (worth >= goal.target_value * (1.0 - _SLACK))
    return _Walk(np.array(reported), success, ruined, missing_contributions(goal.target_value, balance, unit))


def _fan_points(goal: Goal, percentiles: Matrix) -> tuple[FanPoint, ...]:
    return tuple(
        FanPoint(month / MONTHS_A_YEAR, tuple(float(value) for value in column))
        for month, column in zip(report_months(goal.months), percentiles.T, strict=True)
    )
