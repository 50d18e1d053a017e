from __future__ import annotations

import numpy as np
import pytest

from services.optimizer.certificate import TOLERANCE
from services.optimizer.problem import CvarLimit, Limits, PositionLimit, Problem, TrackingErrorLimit
from shared.errors import UnsupportedCombination
from tests.unit.optimizer.builders import best, capped, dense_market, kb_market, kb_products, products, traced

MARKET = kb_market()
PRODUCTS = kb_products("US")


@pytest.mark.parametrize("limits", [Limits(), Limits(capped(PRODUCTS, 0.3), max_volatility=0.12)])
def test_return_and_volatility_rise_together_and_every_point_is_certified(limits: Limits) -> None:
    points = traced(Problem("USD", PRODUCTS, limits), MARKET, 12).points

    returns = np.array([point.expected_return_net for point in points])
    volatilities = np.array([point.volatility for point in points])
    assert len(points) == 12
    assert np.all(np.diff(returns) > 0.0)
    assert np.all(np.diff(volatilities) > 0.0)
    assert max(point.certificate.residuals.largest for point in points) <= TOLERANCE


def test_returns_are_evenly_spaced() -> None:
    points = traced(Problem("USD", PRODUCTS), MARKET, 9).points

    steps = np.diff([point.expected_return_net for point in points])
    assert steps == pytest.approx([steps.mean()] * 8, rel=1e-4)


def test_it_starts_at_the_least_variance_and_ends_at_the_highest_return() -> None:
    problem = Problem("USD", PRODUCTS)

    points = traced(problem, MARKET, 5).points

    highest = max(range(len(PRODUCTS)), key=lambda i: points[-1].weights[i])
    assert points[0].weights == pytest.approx(best(problem, MARKET).weights, abs=1e-9)
    assert points[-1].weights[highest] == pytest.approx(1.0)


def test_two_points_are_the_two_ends() -> None:
    market = dense_market([0.03, 0.08], np.diag([0.0001, 0.04]))

    first, last = traced(Problem("USD", products(2)), market, 2).points

    assert first.weights == pytest.approx([0.04 / 0.0401, 0.0001 / 0.0401], abs=1e-9)
    assert last.weights == pytest.approx([0.0, 1.0], abs=1e-9)


def test_the_volatility_limit_ends_it() -> None:
    points = traced(Problem("USD", PRODUCTS, Limits(max_volatility=0.1)), MARKET, 6).points

    assert points[-1].volatility == pytest.approx(0.1, abs=1e-6)


def test_one_expected_return_leaves_one_point() -> None:
    market = dense_market([0.05, 0.05], np.diag([0.04, 0.01]))

    points = traced(Problem("USD", products(2)), market, 10).points

    assert len(points) == 1
    assert points[0].weights == pytest.approx([0.2, 0.8], abs=1e-9)


@pytest.mark.parametrize(
    ("limits", "field"),
    [
        (Limits(max_cvar=CvarLimit(0.2, 0.95)), "max_cvar"),
        (Limits(tracking_error=TrackingErrorLimit((1.0, *[0.0] * (len(PRODUCTS) - 1)), 0.05)), "tracking_error"),
        (Limits(positions=PositionLimit(5, 0.0)), "positions"),
    ],
)
def test_limits_that_a_frontier_is_not_traced_within_are_refused(limits: Limits, field: str) -> None:
    with pytest.raises(UnsupportedCombination, match=f"limits.{field}"):
        traced(Problem("USD", PRODUCTS, limits), MARKET, 5)
