"""What workers compile before requests come: the usual sizes, and those in use under a new market."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from services.optimizer.answers import FrontierJob, OptimizeJob, WarmUpJob
from services.optimizer.engine import optimize, warm_up
from services.optimizer.estimates import DenseCovariance, Estimates
from services.optimizer.estimators import Estimation
from services.optimizer.in_use import SizesInUse, warm_up_for
from services.optimizer.moments import Market
from services.optimizer.objective import MeanVarianceUtility
from services.optimizer.price_import import ImportJob, imported
from services.optimizer.price_snapshot import decoded
from services.optimizer.prices_read import Format
from services.optimizer.problem import Limits, Problem
from services.optimizer.solve import Solver
from services.optimizer.template import Shape
from tests.unit.optimizer.builders import dense_market, products
from tests.unit.optimizer.price_tables import walk_prices, weekdays, wide_csv


class _Asked(Solver):
    """Remembers what it was asked to compile."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: list[Shape] = []

    def prepare(self, shape: Shape, solver: str) -> None:
        self.shapes.append(shape)


def _market(classes: int) -> Market:
    return dense_market([0.05] * classes, 0.04 * np.eye(classes))


def _job(count: int, **changes: object) -> OptimizeJob:
    market = _market(count)
    problem = replace(Problem("USD", products(count)), **changes)  # type: ignore[arg-type]
    return OptimizeJob(problem, market, MeanVarianceUtility(2.0))


def _prices_market() -> Market:
    names = [f"p{i}" for i in range(10)]
    table = wide_csv(weekdays(100), names, walk_prices(100, 10))
    return decoded(imported(ImportJob(table, Format.AUTO, "USD", "Made up", Estimation())).content).market


def test_the_latest_sizes_over_a_markets_covariance_are_remembered() -> None:
    sizes = SizesInUse()
    own = Estimates(np.zeros(7), DenseCovariance(np.eye(7)))

    for count in (1, 2, 3, 4, 2, 5):
        sizes.note(_job(count))
    sizes.note(_job(7, estimates=own))
    sizes.note(WarmUpJob(3))
    sizes.note(FrontierJob(_job(6).problem, _market(6), 5))

    assert sizes.sizes() == (4, 2, 5, 6)


def test_views_alone_count_because_the_covariance_is_the_markets() -> None:
    sizes = SizesInUse()

    sizes.note(_job(7, estimates=Estimates(np.zeros(7))))

    assert sizes.sizes() == (7,)


def test_a_market_of_assumptions_has_its_factors_for_every_size() -> None:
    market = _market(3)

    assert warm_up_for(market, [90, 2]) == WarmUpJob(5, ((90, 5), (2, 5)), market.snapshot)


def test_a_market_of_prices_has_no_more_factors_than_products_and_is_asked_about_all() -> None:
    market = _prices_market()

    assert warm_up_for(market, [4]) == WarmUpJob(10, ((10, 10), (4, 4)), market.snapshot)


def test_sizes_in_use_are_compiled_beside_the_usual_and_last() -> None:
    solver = _Asked()

    warm_up(WarmUpJob(9, ((90, 9), (5, 5), (60, 9))), solver)

    found = list(dict.fromkeys((shape.products, shape.factors) for shape in solver.shapes))
    assert found == [(8, 9), (16, 9), (32, 9), (48, 9), (64, 9), (96, 9), (8, 5)]


@pytest.mark.parametrize("limits", [Limits(), Limits(max_volatility=0.1)])
def test_what_was_compiled_for_a_size_is_what_a_request_of_that_size_needs(limits: Limits) -> None:
    solver = Solver()
    job = _job(70, limits=limits)
    warm_up(warm_up_for(job.market, [70]), solver)
    compiled = set(solver._templates)

    optimize(job, solver)

    assert set(solver._templates) == compiled
