"""The stationary bootstrap against what Politis and Romano (1994) say of it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from services.optimizer.bootstrap import BlockBootstrap, block_months
from services.optimizer.goal import GoalJob, PseudoRandom
from services.optimizer.goal_simulation import simulate_goal
from tests.unit.optimizer.goals import bootstrap, goal

PLAIN = {"inflation": 0.0, "advisory_fee": 0.0}


@pytest.mark.parametrize("length", [1.0, 3.0, 12.0])
def test_blocks_have_the_mean_length(length: float) -> None:
    past, months, paths = 50, 400, 500

    chosen = block_months(np.random.default_rng(1), past, months, paths, length)

    follows = chosen[1:] == (chosen[:-1] + 1) % past
    # A month follows the one before it where no block begins, or where the new block happens to begin there.
    exact = (1.0 - 1.0 / length) + 1.0 / length / past
    assert follows.mean() == pytest.approx(exact, abs=4.0 * np.sqrt(max(exact * (1.0 - exact), 1e-4) / follows.size))


def test_each_past_month_is_equally_likely_in_each_month_to_come() -> None:
    chosen = block_months(np.random.default_rng(2), 10, 30, 20_000, 6.0)

    for month in chosen:
        np.testing.assert_allclose(np.bincount(month, minlength=10) / 20_000, 0.1, atol=4.5 * 0.0022)


def test_one_endless_block_follows_the_history_round_and_round() -> None:
    chosen = block_months(np.random.default_rng(3), 5, 12, 100, 1e12)

    np.testing.assert_array_equal(chosen, (chosen[0] + np.arange(12)[:, None]) % 5)


def test_single_months_succeed_as_often_as_counting_says() -> None:
    past = [-0.2, -0.05, 0.0, 0.1, 0.3]
    wanted = goal(months=2, initial_value=1.0, target_value=1.05, **PLAIN)

    outcome = simulate_goal(GoalJob(wanted, bootstrap(past, 2, 1.0), PseudoRandom(40_000, 4)))

    exact = np.mean([(1 + a) * (1 + b) >= 1.05 for a, b in itertools.product(past, past)])
    assert outcome.success_probability == pytest.approx(exact, abs=4.0 * outcome.standard_error)


def test_blocks_keep_bad_months_together() -> None:
    # Twelve bad months and then twelve good ones: apart they mix, in blocks of a year they do not.
    past = [-0.05] * 12 + [0.06] * 12
    wanted = goal(months=12, initial_value=1.0, target_value=0.8, **PLAIN)

    apart, together = (
        simulate_goal(GoalJob(wanted, bootstrap(past, 12, length), PseudoRandom(4_000, 5))) for length in (1.0, 24.0)
    )

    assert together.success_probability < apart.success_probability - 0.1


def test_a_history_that_stands_still_grows_to_the_cent() -> None:
    wanted = goal(months=36, **PLAIN)

    outcome = simulate_goal(GoalJob(wanted, bootstrap([0.004] * 24, 36), PseudoRandom(100, 1)))

    assert outcome.fan[-1].values == pytest.approx([100_000.0 * 1.004**36] * 5, abs=0.005)


def test_each_month_uses_the_portfolio_of_its_step() -> None:
    past = np.column_stack([np.full(24, 0.01), np.full(24, 0.002)])
    returns = BlockBootstrap(past, np.array([0] * 12 + [1] * 12), 12.0)

    outcome = simulate_goal(GoalJob(goal(months=24, **PLAIN), returns, PseudoRandom(100, 1)))

    assert outcome.fan[-1].values == pytest.approx([100_000.0 * 1.01**12 * 1.002**12] * 5, abs=0.005)
