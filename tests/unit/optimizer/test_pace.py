from __future__ import annotations

from services.optimizer.answers import OptimizeJob
from services.optimizer.objective import MinimumVariance
from services.optimizer.pace import Pace
from services.optimizer.problem import Problem
from tests.unit.optimizer.builders import dense_market, products

MARKET = dense_market([0.05] * 40, [[0.04 if i == j else 0.0 for j in range(40)] for i in range(40)])
SMALL = OptimizeJob(Problem("USD", products(2)), MARKET, MinimumVariance())
LARGE = OptimizeJob(Problem("USD", products(40)), MARKET, MinimumVariance())


def test_nothing_is_known_to_be_too_slow_before_it_was_tried() -> None:
    assert Pace().seconds(LARGE, ahead=3) == 0.0


def test_the_shortest_time_of_like_jobs_is_the_least_that_is_needed() -> None:
    pace = Pace()
    for seconds in (0.3, 0.2, 0.4):
        pace.note(LARGE, seconds)
    pace.note(SMALL, 0.01)

    assert pace.seconds(LARGE) == 0.2


def test_jobs_ahead_add_the_shortest_time_of_any() -> None:
    pace = Pace()
    pace.note(LARGE, 0.2)
    pace.note(SMALL, 0.01)

    assert pace.seconds(LARGE, ahead=3) == 0.2 + 3 * 0.01


def test_refusals_make_it_try_again_in_the_end() -> None:
    pace = Pace()
    pace.note(SMALL, 1.0)

    for _ in range(30):
        pace.ease(SMALL)

    assert pace.seconds(SMALL) < 0.1


def test_refusals_say_nothing_of_the_most_that_jobs_take() -> None:
    pace = Pace()
    pace.note(SMALL, 1.0)

    for _ in range(30):
        pace.ease(SMALL)

    assert pace.longest(SMALL) == 1.0


def test_what_is_measured_counts_again_after_refusals() -> None:
    pace = Pace()
    pace.note(SMALL, 1.0)
    pace.ease(SMALL)

    pace.note(SMALL, 2.0)

    assert pace.seconds(SMALL) == 1.0
