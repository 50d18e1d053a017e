"""The efficient frontier: the least volatile portfolio for each expected return that the limits allow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from services.optimizer.constraints import return_floor
from services.optimizer.infeasibility import Diagnosis
from services.optimizer.moments import Moments, Vector
from services.optimizer.objective import MaximumReturn, MinimumVariance
from services.optimizer.problem import Problem
from services.optimizer.solve import Optimum, Solver
from services.optimizer.standard_form import standard_form
from shared.errors import SolutionRefused

# Ends of the frontier closer than this, in expected return per year, are one point.
_ONE_POINT = 1e-8


def efficient_frontier(
    problem: Problem, moments: Moments, count: int, diagnosis: Diagnosis, solver: Solver
) -> list[Optimum] | None:
    """Return `count` optima from the least variance to the highest net expected return, evenly spaced in return.

    None where the limits contradict each other; a single optimum where they leave only one expected return.
    """
    first = solver.solve(standard_form(problem, moments, MinimumVariance()), diagnosis.is_contradictory)
    if first is None:
        return None
    last = _known(solver.solve(standard_form(problem, moments, MaximumReturn())))
    low, high = (float(end.solution.weights @ moments.expected_net) for end in (first, last))
    if high - low < _ONE_POINT:
        return [first]
    return [first, *_between(problem, moments, np.linspace(low, high, count)[1:-1], solver), last]


def _between(problem: Problem, moments: Moments, returns: Vector, solver: Solver) -> Iterator[Optimum]:
    """Yield the least volatile portfolio that reaches each of these expected returns.

    The volatility limit is left out: between two portfolios that keep it, the least volatile one keeps it too.
    """
    free = replace(problem, limits=replace(problem.limits, max_volatility=None))
    for wanted in returns:
        floor = return_floor(moments.expected_net, float(wanted))
        yield _known(solver.solve(standard_form(free, moments, MinimumVariance(), [floor])))


def _known(optimum: Optimum | None) -> Optimum:
    if optimum is None:
        raise SolutionRefused("the limits can be met, but no portfolio was found on this part of the frontier")
    return optimum
