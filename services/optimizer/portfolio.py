"""The best portfolio for each objective a request can ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.optimizer.answers import BindingLimit, ConflictingLimit, Infeasible
from services.optimizer.certificate import Certificate
from services.optimizer.closed_form import broken_limits, equal_weights, inverse_volatility, risk_budgets
from services.optimizer.constraints import TARGET_RETURN, Row, return_floor
from services.optimizer.expectations import Expectations
from services.optimizer.explain import binding_limits, dearest_first
from services.optimizer.infeasibility import Diagnosis
from services.optimizer.moments import Vector
from services.optimizer.objective import (
    EqualWeight,
    InverseVolatility,
    MaximumDiversification,
    MaximumReturn,
    MaximumSharpe,
    MeanCvarUtility,
    MinimumCvar,
    MinimumVariance,
    Objective,
    RiskBudgeting,
    TargetReturn,
    TargetVolatility,
    Wanted,
)
from services.optimizer.positions.choose import USUAL, Effort, chosen
from services.optimizer.positions.conflicts import PositionConflicts
from services.optimizer.positions.given import binding_given, given_positions
from services.optimizer.positions.search import Choice
from services.optimizer.problem import Problem
from services.optimizer.proven import Found
from services.optimizer.ratio import best_ratio
from services.optimizer.solve import Optimum, Solver
from services.optimizer.standard_form import standard_form
from services.optimizer.support import refuse_unsupported
from services.optimizer.tail_program import TailSolver
from services.optimizer.within import Within
from shared.errors import SolutionRefused

TARGET_VOLATILITY = "objective.target_volatility.max_volatility"
RISK_FREE_RATE = "objective.maximum_sharpe.risk_free_rate"
# A portfolio must expect this much more than the risk-free rate, per year, for its Sharpe ratio to mean anything.
LEAST_EXCESS = 1e-6


@dataclass(frozen=True, eq=False)
class Best:
    """Weights, (n,), with their proof and what holds them back. optimum: None where no solver was needed.

    choice: of positions, where their number is limited; all else then holds given this choice.
    unproven: by how much another choice could be better, in units of the request's objective.
    """

    weights: Vector
    certificate: Certificate
    binding: tuple[BindingLimit, ...] = ()
    optimum: Optimum | None = None
    choice: Choice | None = None
    unproven: float | None = None


def best_portfolio(
    problem: Problem, expectations: Expectations, objective: Wanted, solver: Solver, effort: Effort = USUAL
) -> Best | Infeasible:
    """Return the best portfolio, or the limits that contradict each other.

    effort: of a search over positions.
    Raises UnsupportedCombination, SolutionRefused.
    """
    refuse_unsupported(objective, problem)
    moments = expectations.moments
    match objective:
        case EqualWeight():
            return _given(problem, expectations, *equal_weights(len(problem.products)))
        case InverseVolatility():
            return _given(problem, expectations, *inverse_volatility(moments))
        case RiskBudgeting(shares):
            return Best(*risk_budgets(moments, np.array(shares)))
        case TargetReturn(wanted):
            floor = return_floor(moments.expected_net, wanted, TARGET_RETURN)
            return _solved(problem, expectations, MinimumVariance(), solver, [floor], effort)
        case TargetVolatility(allowed):
            return _solved(at_volatility(problem, allowed), expectations, MaximumReturn(), solver)
        case MaximumSharpe() | MaximumDiversification():
            return _highest_ratio(problem, expectations, objective, solver)
        case MinimumCvar() | MeanCvarUtility():
            return _least_loss(problem, expectations, objective, solver)
        case _:
            return _solved(problem, expectations, objective, solver, effort=effort)


def at_volatility(problem: Problem, allowed: float) -> Problem:
    """Return the problem with the objective's volatility as its limit, where the request's own is not lower."""
    limit = problem.limits.max_volatility
    if limit is not None and limit <= allowed:
        return problem
    limits = replace(problem.limits, max_volatility=allowed, volatility_field=TARGET_VOLATILITY)
    return replace(problem, limits=limits)


def _solved(
    problem: Problem,
    expectations: Expectations,
    objective: Objective,
    solver: Solver,
    extra_rows: Sequence[Row] = (),
    effort: Effort = USUAL,
) -> Best | Infeasible:
    if problem.limits.positions is not None:
        return _with_positions(problem, expectations, objective, solver, extra_rows, effort)
    diagnosis = Diagnosis(problem, expectations.moments, solver, extra_rows, expectations.outcomes)
    within = Within(solver, problem.limits, expectations.outcomes)
    form = standard_form(problem, expectations.moments, objective, extra_rows)
    return _answer(problem, within.solve(form, diagnosis.is_contradictory), diagnosis)


def _with_positions(
    problem: Problem,
    expectations: Expectations,
    objective: Objective,
    solver: Solver,
    extra_rows: Sequence[Row],
    effort: Effort,
) -> Best | Infeasible:
    form = standard_form(problem, expectations.moments, objective, extra_rows)
    choice = chosen(problem, form, extra_rows, effort)
    if not isinstance(choice, Choice):
        without = replace(problem, limits=replace(problem.limits, positions=None))
        other = Diagnosis(without, expectations.moments, solver, extra_rows)
        return choice.beside(other.infeasible) if other.conflicts else refused(choice)
    given = given_positions(problem, choice.places)
    best = _solved(given, expectations, objective, solver, extra_rows)
    if not isinstance(best, Best):
        raise SolutionRefused("the chosen positions leave no portfolio that can be proven")
    price = form.goal.price
    one_more = None if choice.one_more is None else max(choice.value - choice.one_more, 0.0) * price
    unproven = (choice.value - choice.bound) * price
    binding = binding_given(problem, best.binding, one_more)
    return replace(best, binding=binding, choice=choice, unproven=unproven)


def _highest_ratio(
    problem: Problem, expectations: Expectations, objective: MaximumSharpe | MaximumDiversification, solver: Solver
) -> Best | Infeasible:
    moments, rows = expectations.moments, list[Row]()
    measure = np.sqrt(moments.variances())
    if isinstance(objective, MaximumSharpe):
        measure = moments.expected_net - objective.risk_free_rate
        rows = [return_floor(moments.expected_net, objective.risk_free_rate + LEAST_EXCESS, RISK_FREE_RATE)]
    diagnosis = Diagnosis(problem, moments, solver, rows, expectations.outcomes)
    within = Within(solver, problem.limits, expectations.outcomes)
    found = best_ratio(
        measure,
        moments,
        lambda goal: within.solve(standard_form(problem, moments, goal, rows), diagnosis.is_contradictory),
    )
    answer = _answer(problem, found, diagnosis)
    if isinstance(answer, Best):
        return answer
    return Infeasible(tuple(map(_without_excess, answer.conflicts)), tuple(map(_without_excess, answer.together)))


def _without_excess(limit: ConflictingLimit) -> ConflictingLimit:
    """Return the limit as the request states it: the rate, not the rate and the least excess."""
    if limit.field != RISK_FREE_RATE:
        return limit
    relaxed = None if limit.relaxed_bound is None else limit.relaxed_bound - LEAST_EXCESS
    return replace(limit, bound=limit.bound - LEAST_EXCESS, relaxed_bound=relaxed)


def _least_loss(
    problem: Problem, expectations: Expectations, objective: MinimumCvar | MeanCvarUtility, solver: Solver
) -> Best | Infeasible:
    moments, outcomes = expectations.moments, expectations.outcomes
    if outcomes is None:
        raise SolutionRefused("there are no scenarios")
    diagnosis = Diagnosis(problem, moments, solver, (), outcomes)
    price, expected = 1.0, np.zeros(len(problem.products))
    if isinstance(objective, MeanCvarUtility):
        price, expected = objective.risk_aversion, moments.expected_net
    program = TailSolver(outcomes, objective.confidence, price, expected, solver.tail_starts)
    within = Within(program, problem.limits, outcomes)
    form = standard_form(problem, moments, MinimumVariance())
    return _answer(problem, within.solve(form, diagnosis.is_contradictory), diagnosis)


def _answer(problem: Problem, found: Found | None, diagnosis: Diagnosis) -> Best | Infeasible:
    if found is None:
        return refused(diagnosis)
    binding = dearest_first([*binding_limits(problem, found.optimum), *found.binding])
    return Best(found.weights, found.optimum.certificate, binding, found.optimum)


def refused(diagnosis: Diagnosis | PositionConflicts) -> Infeasible:
    """Return the contradiction. Raises SolutionRefused where there is none, so that something else went wrong."""
    if not diagnosis.conflicts:
        raise SolutionRefused("no portfolio was found although the limits do not contradict each other")
    return diagnosis.infeasible


def _given(
    problem: Problem, expectations: Expectations, weights: Vector, certificate: Certificate
) -> Best | Infeasible:
    """Return weights that no limit moves, or every limit that they break."""
    infeasible = broken_limits(problem, weights, expectations.moments, expectations.outcomes)
    return infeasible or Best(weights, certificate)
