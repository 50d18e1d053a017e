"""What one worker does with a job: optimise or trace a frontier."""

from __future__ import annotations

from services.optimizer.answers import (
    Answer,
    Frontier,
    FrontierJob,
    FrontierPoint,
    Infeasible,
    OptimizeJob,
    Portfolio,
    Ready,
    Task,
    WarmUpJob,
)
from services.optimizer.backtest.run import BacktestJob, Optimise, run_backtest
from services.optimizer.constraints import current_weights
from services.optimizer.expectations import Expectations, expectations_of, moments_of
from services.optimizer.explain import reduced_costs
from services.optimizer.frontier import efficient_frontier
from services.optimizer.goal import GoalJob
from services.optimizer.goal_simulation import simulate_goal
from services.optimizer.infeasibility import Diagnosis
from services.optimizer.moments import Market, Moments, Vector
from services.optimizer.objective import Wanted
from services.optimizer.portfolio import Best, best_portfolio, refused
from services.optimizer.positions.choose import Effort
from services.optimizer.price_import import ImportJob, imported
from services.optimizer.problem import Problem
from services.optimizer.rebalance.problem import RebalanceProblem
from services.optimizer.rebalance.propose import propose
from services.optimizer.risk import analyse
from services.optimizer.risk_report import RiskJob, risk_report
from services.optimizer.solve import Optimum, Solver
from services.optimizer.support import refuse_resamples, refuse_unsupported_frontier
from services.optimizer.template import PRODUCT_STEPS, ROW_STEPS, Shape, padded
from services.optimizer.what_if import TimeLeft, cost_of_all_limits, limit_costs, objective_value, weight_ranges

# Up to 64 products and 8 groups, with and without turnover and volatility limits: half a second for all twenty.
_WARM_PRODUCTS = PRODUCT_STEPS[:5]
# A share of an objective of nearly nothing, such as the deviation from a benchmark that can be held, says nothing.
_LEAST_VALUE = 1e-9


def answer(job: Task, solver: Solver) -> Answer:
    """Return what the job asks for. Raises SolutionRefused."""
    match job:
        case OptimizeJob():
            return optimize(job, solver)
        case FrontierJob():
            return frontier(job, solver)
        case GoalJob():
            return simulate_goal(job)
        case RebalanceProblem():
            return propose(job)
        case RiskJob():
            return risk_report(job, moments_of(job.problem, job.market))
        case BacktestJob():
            return run_backtest(job, _optimiser(solver))
        case ImportJob():
            return imported(job)
        case WarmUpJob():
            return warm_up(job, solver)


def optimize(job: OptimizeJob, solver: Solver) -> Portfolio | Infeasible:
    """Return the best portfolio, or the limits that contradict each other."""
    problem, expectations = job.problem, expectations_of(job.problem, job.market)
    if job.resamples:
        refuse_resamples(problem)
    best = best_portfolio(problem, expectations, job.objective, solver, Effort(job.deadline))
    if not isinstance(best, Best):
        return best
    moments = expectations.moments
    for_costs, for_ranges = TimeLeft(job.deadline), TimeLeft(job.deadline)
    return Portfolio(
        weights=best.weights,
        analysis=analyse(best.weights, moments),
        current=None if problem.current is None else analyse(current_weights(problem), moments),
        certificate=best.certificate,
        binding_limits=best.binding,
        reduced_costs=reduced_costs(problem, job.objective, best.weights, best.optimum),
        all_limits_cost=cost_of_all_limits(problem, expectations, job.objective, best, solver, for_costs)
        if job.with_limit_costs
        else None,
        limit_costs=limit_costs(problem, expectations, job.objective, best, solver, for_costs)
        if job.with_limit_costs
        else (),
        weight_ranges=weight_ranges(problem, expectations, job.objective, job.resamples, solver, for_ranges),
        covariance_repair=expectations.repair,
        optimality_gap=_gap(expectations, job.objective, best),
        time_limited=for_costs.ran_out or for_ranges.ran_out or (best.choice is not None and best.choice.is_cut),
    )


def _gap(expectations: Expectations, objective: Wanted, best: Best) -> float | None:
    """Return what another choice of positions could gain, as a share of the objective; None where none was searched."""
    if best.unproven is None:
        return None
    value = abs(objective_value(expectations, objective, best.weights))
    return best.unproven / max(value, _LEAST_VALUE)


def frontier(job: FrontierJob, solver: Solver) -> Frontier | Infeasible:
    """Return the points by increasing expected return, or the limits that contradict each other.

    Raises UnsupportedCombination, SolutionRefused.
    """
    refuse_unsupported_frontier(job.problem)
    moments = moments_of(job.problem, job.market)
    diagnosis = Diagnosis(job.problem, moments, solver)
    optima = efficient_frontier(job.problem, moments, job.point_count, diagnosis, solver)
    if optima is None:
        return refused(diagnosis)
    return Frontier(tuple(_point(optimum, moments) for optimum in optima))


def _optimiser(solver: Solver) -> Optimise:
    """Return what a back-test calls on each trading day."""

    def weights(problem: Problem, market: Market, objective: Wanted) -> Vector | None:
        found = optimize(OptimizeJob(problem, market, objective), solver)
        return found.weights if isinstance(found, Portfolio) else None

    return weights


def warm_up(job: WarmUpJob, solver: Solver) -> Ready:
    """Compile the problems that most requests need, so that the first caller does not wait for it."""
    usual = [(products, job.factors) for products in _WARM_PRODUCTS]
    likely = [(padded(products, PRODUCT_STEPS), factors) for products, factors in job.in_use]
    # What is likely comes last and is the last to leave where a worker keeps few compiled problems.
    for products, factors in dict.fromkeys([*usual, *likely]):
        for has_purchases in (False, True):
            for name, has_volatility in (("PIQP", False), ("CLARABEL", True)):
                solver.prepare(Shape(products, factors, ROW_STEPS[0], has_purchases, has_volatility), name)
    return Ready()


def _point(optimum: Optimum, moments: Moments) -> FrontierPoint:
    weights = optimum.solution.weights
    analysis = analyse(weights, moments)
    return FrontierPoint(weights, analysis.expected_return_net, analysis.volatility, optimum.certificate)
