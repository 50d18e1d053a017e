"""Laws that every simulated goal obeys, on common random numbers."""

from __future__ import annotations

import pickle
import tracemalloc
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.optimizer.goal import Goal, GoalJob, PseudoRandom, Sampling, ScrambledSobol
from services.optimizer.goal_simulation import simulate_goal
from services.optimizer.goal_solve import extra_contribution, missing_contributions
from services.optimizer.goal_tally import BATCH
from tests.unit.optimizer.goals import bootstrap, goal, log_normal, simulated, sobol

MONEY = st.floats(0.0, 1e6)
SEEDS = st.integers(0, 2**64 - 1)


@st.composite
def goals(draw: st.DrawFn) -> Goal:
    months = draw(st.integers(1, 60))
    start = draw(st.none() | st.integers(1, 60))
    return Goal(
        months=months,
        initial_value=draw(MONEY),
        monthly_contribution=draw(st.floats(0.0, 5e3)),
        monthly_withdrawal=0.0 if start is None else draw(st.floats(0.0, 2e4)),
        withdrawal_month=start,
        target_value=draw(MONEY),
        inflation=draw(st.floats(-0.02, 0.1)),
        advisory_fee=draw(st.floats(0.0, 0.03)),
    )


@st.composite
def samplings(draw: st.DrawFn) -> Sampling:
    count, seed = draw(st.integers(100, 600)), draw(SEEDS)
    return PseudoRandom(count, seed) if draw(st.booleans()) else ScrambledSobol(count, seed)


@settings(max_examples=25, deadline=None)
@given(goals(), samplings(), MONEY, st.floats(0.0, 5e3))
def test_more_money_never_lowers_the_probability(wanted: Goal, sampling: Sampling, more: float, paid: float) -> None:
    before = simulated(wanted, sampling)
    richer = replace(wanted, initial_value=wanted.initial_value + more)
    saving = replace(wanted, monthly_contribution=wanted.monthly_contribution + paid)

    for after in (simulated(richer, sampling), simulated(saving, sampling)):
        assert after.success_probability >= before.success_probability
        assert after.ruin_probability <= before.ruin_probability


@settings(max_examples=25, deadline=None)
@given(goals(), samplings(), st.floats(0.0, 0.05))
def test_a_higher_fee_is_never_better(wanted: Goal, sampling: Sampling, fee: float) -> None:
    cheap = simulated(wanted, sampling)

    dear = simulated(replace(wanted, advisory_fee=wanted.advisory_fee + fee), sampling)

    assert dear.success_probability <= cheap.success_probability
    for low, high in zip(dear.fan, cheap.fan, strict=True):
        assert all(a <= b * (1.0 + 1e-12) for a, b in zip(low.values, high.values, strict=True))


@settings(max_examples=25, deadline=None)
@given(goals(), samplings(), st.floats(0.0, 0.6))
def test_percentiles_are_ordered_and_shares_are_shares(wanted: Goal, sampling: Sampling, volatility: float) -> None:
    outcome = simulated(wanted, sampling, volatility=volatility)

    for point in outcome.fan:
        assert list(point.values) == sorted(point.values)
        assert point.values[0] >= 0.0
    assert 0.0 <= outcome.success_probability <= 1.0
    assert 0.0 <= outcome.ruin_probability <= 1.0 - outcome.success_probability + 1e-12
    assert 0.0 <= outcome.standard_error <= 0.5


@settings(max_examples=25, deadline=None)
@given(goals(), samplings(), st.floats(0.02, 0.98))
def test_the_extra_contribution_reaches_the_wanted_probability(wanted: Goal, sampling: Sampling, share: float) -> None:
    outcome = simulated(wanted, sampling, wanted_probability=share)

    extra = outcome.extra_contribution
    assert extra is not None
    after = simulated(replace(wanted, monthly_contribution=wanted.monthly_contribution + extra), sampling)
    assert after.success_probability >= share
    if extra > 1.0:
        less = replace(wanted, monthly_contribution=wanted.monthly_contribution + extra - 0.5)
        assert simulated(less, sampling).success_probability < share


@settings(max_examples=20, deadline=None)
@given(goals(), samplings())
def test_the_same_seed_gives_the_same_bytes(wanted: Goal, sampling: Sampling) -> None:
    job = GoalJob(wanted, log_normal(wanted.months), sampling, 0.8)

    first, again = simulate_goal(job), simulate_goal(pickle.loads(pickle.dumps(job)))

    assert pickle.dumps(first) == pickle.dumps(again)


@settings(max_examples=20, deadline=None)
@given(goals(), SEEDS, st.floats(1.0, 36.0), st.lists(st.floats(-0.3, 0.3), min_size=2, max_size=60))
def test_bootstrapped_goals_obey_the_same_laws(wanted: Goal, seed: int, block: float, past: list[float]) -> None:
    job = GoalJob(wanted, bootstrap(past, wanted.months, block), PseudoRandom(200, seed), 0.7)

    outcome = simulate_goal(job)
    dearer = simulate_goal(replace(job, goal=replace(wanted, advisory_fee=wanted.advisory_fee + 0.02)))

    assert pickle.dumps(outcome) == pickle.dumps(simulate_goal(job))
    assert dearer.success_probability <= outcome.success_probability
    for point in outcome.fan:
        assert list(point.values) == sorted(point.values)


def test_another_seed_gives_another_draw() -> None:
    assert simulated(goal(), PseudoRandom(1_000, 1)).fan != simulated(goal(), PseudoRandom(1_000, 2)).fan
    assert simulated(goal(), sobol(1_000, 1)).fan != simulated(goal(), sobol(1_000, 2)).fan


def test_percentiles_over_batches_are_those_of_all_paths() -> None:
    wanted = goal(months=12)

    outcome = simulated(wanted, PseudoRandom(4 * BATCH, 1))
    single = simulated(wanted, PseudoRandom(BATCH, 1))

    for value, other in zip(outcome.fan[-1].values, single.fan[-1].values, strict=True):
        # Four standard errors of a 5 % quantile of 32,768 log-normal paths with 12 % volatility.
        assert abs(value / other - 1.0) < 4.0 * 0.0014


def test_memory_does_not_grow_with_the_paths() -> None:
    job = GoalJob(goal(months=12), log_normal(12), sobol(300_000), 0.9)

    tracemalloc.start()
    simulate_goal(job)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    # 2.4 MB of missing contributions per copy, one batch, one chunk; all paths at once would be 30 MB per array.
    assert peak < 20e6


@given(st.floats(1e-9, 1.0 - 1e-9), st.integers(1, 2_000))
def test_the_extra_contribution_is_the_least_with_which_enough_paths_succeed(wanted: float, paths: int) -> None:
    missing = np.arange(1.0, paths + 1.0)

    extra = extra_contribution(missing[::-1].copy(), wanted, 0.0)

    assert extra is not None
    assert (missing <= extra).mean() >= wanted > (missing <= extra - 1.0).mean()


def test_no_extra_contribution_helps_where_nothing_paid_in_reaches_the_end() -> None:
    missing = missing_contributions(10.0, np.array([5.0, 20.0]), np.zeros(2))

    assert list(missing) == [np.inf, -np.inf]
    assert extra_contribution(missing, 0.9, 0.5) is None
