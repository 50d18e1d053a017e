"""Our side of the comparison: whole answers in factor form and to dense estimates, refusals, and the raw solver."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.optimizer.cases import UTILITY, contradictory, dense_job, form_of, job, moments_of
from benchmarks.optimizer.raw import raw_solver
from benchmarks.optimizer.timing import by_turns
from services.optimizer.answers import Infeasible, OptimizeJob, Portfolio
from services.optimizer.engine import optimize
from services.optimizer.moments import Vector
from services.optimizer.solve import Solver


@dataclass(frozen=True)
class Measured:
    """CPU milliseconds at one size; raw_lost: utility that the raw solver's default accuracy leaves."""

    ours: float
    raw: float
    dense: float
    infeasible: float
    raw_lost: float


def measured(count: int) -> Measured:
    """Return the figures for `count` products. Raises TypeError where an answer is not of the kind it must be."""
    solver, request, dense, impossible = Solver(), job(count), dense_job(count), contradictory(count)
    raw = raw_solver(form_of(request))
    lost = utility_lost(request, best(request, solver), np.asarray(raw().x)[:count])
    best(dense, solver)
    if not isinstance(optimize(impossible, solver), Infeasible):
        raise TypeError("the contradictory problem of the benchmark has an optimum")
    ours, raw_ms = by_turns(lambda: optimize(request, solver), raw)
    (dense_ms,) = by_turns(lambda: optimize(dense, solver))
    (infeasible,) = by_turns(lambda: optimize(impossible, solver))
    return Measured(ours, raw_ms, dense_ms, infeasible, lost)


def best(request: OptimizeJob, solver: Solver) -> Vector:
    """Return our weights, (n,). Raises TypeError where there are none."""
    answer = optimize(request, solver)
    if not isinstance(answer, Portfolio):
        raise TypeError("the problem of the benchmark has no optimum")
    return answer.weights


def utility_lost(request: OptimizeJob, ours: Vector, theirs: Vector) -> float:
    """Return how much lower the utility of their weights is than that of ours, as a share of ours."""
    moments = moments_of(request)

    def utility(weights: Vector) -> float:
        return float(weights @ moments.expected_net) - 0.5 * UTILITY.risk_aversion * moments.variance(weights)

    return (utility(ours) - utility(theirs)) / abs(utility(ours))
