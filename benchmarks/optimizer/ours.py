"""Our side of the comparison: whole answers in factor form and to dense estimates, refusals, and the raw solver."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.optimizer.cases import UTILITY, dense_job, form_of, job, moments_of
from benchmarks.optimizer.contradictions import contradictions, is_infeasible
from benchmarks.optimizer.raw import raw_solver
from benchmarks.optimizer.timing import by_turns
from services.optimizer.answers import OptimizeJob, Portfolio
from services.optimizer.engine import optimize
from services.optimizer.moments import Vector
from services.optimizer.solve import Solver


@dataclass(frozen=True)
class Measured:
    """CPU milliseconds at one size; raw_lost: utility that the raw solver's default accuracy leaves.

    infeasible: by what is in the way, with the goal at 100 products.
    """

    ours: float
    raw: float
    dense: float
    infeasible: dict[str, tuple[float, float]]
    raw_lost: float


def measured(count: int) -> Measured:
    """Return the figures for `count` products. Raises TypeError where an answer is not of the kind it must be."""
    solver, request, dense = Solver(), job(count), dense_job(count)
    raw = raw_solver(form_of(request))
    lost = utility_lost(request, best(request, solver), np.asarray(raw().x)[:count])
    best(dense, solver)
    ours, raw_ms = by_turns(lambda: optimize(request, solver), raw)
    (dense_ms,) = by_turns(lambda: optimize(dense, solver))
    return Measured(ours, raw_ms, dense_ms, refusals(count, solver), lost)


def refusals(count: int, solver: Solver) -> dict[str, tuple[float, float]]:
    """Return the CPU milliseconds of each contradiction and its goal. Raises TypeError where one is none."""
    found = {}
    for each in contradictions(count):
        if not is_infeasible(each.job, solver):
            raise TypeError(f"{each.name}: the contradiction of the benchmark is none, or nothing resolves it")
        (milliseconds,) = by_turns(lambda each=each: optimize(each.job, solver))  # type: ignore[misc]
        found[each.name] = (milliseconds, each.goal)
    return found


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
