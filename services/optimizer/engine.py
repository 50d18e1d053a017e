"""What one worker does with a job: optimise or trace a frontier."""

from __future__ import annotations

from services.optimizer.answers import (
    Answer,
    Frontier,
    FrontierJob,
    FrontierPoint,
    Infeasible,
    Job,
    OptimizeJob,
    Portfolio,
    Ready,
    WarmUpJob,
)
from services.optimizer.constraints import current_weights
from services.optimizer.explain import binding_limits
from services.optimizer.frontier import efficient_frontier
from services.optimizer.infeasibility import Diagnosis
from services.optimizer.moments import Market, Moments, product_moments
from services.optimizer.problem import Problem
from services.optimizer.risk import analyse
from services.optimizer.solve import Optimum, Solver
from services.optimizer.standard_form import standard_form
from services.optimizer.template import PRODUCT_STEPS, ROW_STEPS, Shape
from shared.errors import SolutionRefused

# Up to 64 products and 8 groups, with and without turnover and volatility limits: half a second for all twenty.
_WARM_PRODUCTS = PRODUCT_STEPS[:5]


def answer(job: Job, solver: Solver) -> Answer:
    """Return what the job asks for. Raises SolutionRefused."""
    match job:
        case OptimizeJob():
            return optimize(job, solver)
        case FrontierJob():
            return frontier(job, solver)
        case WarmUpJob(factors):
            return warm_up(factors, solver)


def optimize(job: OptimizeJob, solver: Solver) -> Portfolio | Infeasible:
    """Return the best portfolio, or the limits that contradict each other."""
    problem, moments = job.problem, _moments(job.problem, job.market)
    diagnosis = Diagnosis(problem, moments, solver)
    optimum = solver.solve(standard_form(problem, moments, job.objective), diagnosis.is_contradictory)
    if optimum is None:
        return _infeasible(diagnosis)
    weights = optimum.solution.weights
    return Portfolio(
        weights=weights,
        analysis=analyse(weights, moments),
        current=None if problem.current is None else analyse(current_weights(problem), moments),
        certificate=optimum.certificate,
        binding_limits=binding_limits(problem, optimum),
    )


def frontier(job: FrontierJob, solver: Solver) -> Frontier | Infeasible:
    """Return the points by increasing expected return, or the limits that contradict each other."""
    moments = _moments(job.problem, job.market)
    diagnosis = Diagnosis(job.problem, moments, solver)
    optima = efficient_frontier(job.problem, moments, job.point_count, diagnosis, solver)
    if optima is None:
        return _infeasible(diagnosis)
    return Frontier(tuple(_point(optimum, moments) for optimum in optima))


def warm_up(factors: int, solver: Solver) -> Ready:
    """Compile the problems that most requests need, so that the first caller does not wait for it."""
    for products in _WARM_PRODUCTS:
        for has_purchases in (False, True):
            for name, has_volatility in (("PIQP", False), ("CLARABEL", True)):
                solver.prepare(Shape(products, factors, ROW_STEPS[0], has_purchases, has_volatility), name)
    return Ready()


def _moments(problem: Problem, market: Market) -> Moments:
    return product_moments(problem.products, problem.base_currency, market)


def _infeasible(diagnosis: Diagnosis) -> Infeasible:
    if not diagnosis.conflicts:
        raise SolutionRefused("no portfolio was found although the limits do not contradict each other")
    return Infeasible(diagnosis.conflicts)


def _point(optimum: Optimum, moments: Moments) -> FrontierPoint:
    weights = optimum.solution.weights
    analysis = analyse(weights, moments)
    return FrontierPoint(weights, analysis.expected_return_net, analysis.volatility, optimum.certificate)
