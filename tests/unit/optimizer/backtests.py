"""A back-test of three products over drawn prices, in parts that tests change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from services.optimizer.answers import OptimizeJob, Portfolio
from services.optimizer.backtest.run import BacktestJob, BacktestReport, run_backtest
from services.optimizer.engine import optimize
from services.optimizer.estimators import Estimation
from services.optimizer.history import Vector
from services.optimizer.moments import Market
from services.optimizer.objective import Wanted
from services.optimizer.problem import Problem, Product
from tests.unit.optimizer.builders import SOLVER
from tests.unit.optimizer.price_tables import history

PAST = history(260, 3)
PRODUCTS = tuple(Product(name, "any", {}, 0.0, 0.0) for name in PAST.product_ids)
FIXED = np.array([0.5, 0.3, 0.2])


def best(problem: Problem, market: Market, objective: Wanted) -> Vector | None:
    """Return the best weights, (n,), None where there are none."""
    answer = optimize(OptimizeJob(problem, market, objective), SOLVER)
    return answer.weights if isinstance(answer, Portfolio) else None


def job_of(**changes: object) -> BacktestJob:
    """Return a job of fixed weights with these changes."""
    job = BacktestJob(
        problem=Problem("USD", PRODUCTS),
        history=PAST,
        strategy=FIXED,
        estimation=Estimation(),
        estimation_days=60,
        costs=np.zeros(3),
    )
    return replace(job, **changes)


def run(**changes: object) -> BacktestReport:
    """Return what became of the job with these changes."""
    return run_backtest(job_of(**changes), best)
