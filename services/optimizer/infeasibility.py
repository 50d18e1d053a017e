"""Why no portfolio exists: a smallest contradiction among the limits, and what would resolve it.

Linear limits first: the prices of an elastic linear program point at a contradiction, and a deletion filter
(Chinneck 2008, chapter 6) makes it irreducible. If those can hold together, the volatility limit is too low: the
multipliers of the least volatile portfolio point at the limits that keep it up, and the same filter applies.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from services.optimizer.answers import ConflictingLimit
from services.optimizer.constraints import MAX_TURNOVER, MAX_VOLATILITY, Row, current_weights, group_rows, product_rows
from services.optimizer.linear_limits import LinearLimits, turnover_row
from services.optimizer.moments import Moments
from services.optimizer.objective import FewestPurchases, MinimumVariance, MostOf, Objective, goal_of
from services.optimizer.problem import Limits, Problem
from services.optimizer.solve import Optimum, Solver
from services.optimizer.standard_form import StandardForm, standard_form
from shared.errors import SolutionRefused

# Relaxed bounds are rounded outward to this, so that the result is feasible and can be read.
STEP = 1e-6
_DECIMALS = 6
# A bound this close to a multiple of STEP, in steps, is that multiple.
_ROUNDING = 1e-3
# What a solver's rounding may add to the least volatility, as a share of it.
_VOLATILITY_SLACK = 1e-6
_SMALLEST_MULTIPLIER = 1e-7
# More than any portfolio can buy: purchases are counted but free.
_ANY_TURNOVER = 2.0


class Diagnosis:
    """Looks for a contradiction among the limits of one request, once, when first asked."""

    def __init__(self, problem: Problem, moments: Moments, solver: Solver) -> None:
        self._problem = problem
        self._moments = moments
        self._solver = solver
        self._max_volatility = problem.limits.max_volatility

    @cached_property
    def _rows(self) -> list[Row]:
        limit = self._problem.limits.max_turnover
        turnover = [] if limit is None else [turnover_row(len(self._problem.products), limit)]
        return product_rows(self._problem) + group_rows(self._problem) + turnover

    @cached_property
    def _linear(self) -> LinearLimits:
        return LinearLimits(self._rows, current_weights(self._problem))

    @cached_property
    def _bare(self) -> StandardForm:
        return standard_form(replace(self._problem, limits=Limits()), self._moments, MinimumVariance())

    def is_contradictory(self) -> bool:
        """Return whether no portfolio obeys the limits."""
        return bool(self.conflicts)

    @cached_property
    def conflicts(self) -> tuple[ConflictingLimit, ...]:
        """A smallest set of limits that contradict each other; empty where the limits can hold together."""
        blamed = self._linear.blame(self._rows)
        if blamed:
            members = _irreducible(blamed, lambda rows: bool(self._linear.blame(rows)))
            return tuple(self._of_row(row) for row in members)
        if self._max_volatility is None or not self._is_too_volatile(self._rows):
            return ()
        members = _irreducible(self._volatile_rows(), self._is_too_volatile)
        return (self._of_volatility(self._max_volatility), *(self._of_row(row) for row in members))

    def _is_too_volatile(self, rows: Sequence[Row]) -> bool:
        return self._least_volatility(rows) > (self._max_volatility or 0.0) * (1.0 + _VOLATILITY_SLACK)

    def _least_volatility(self, rows: Sequence[Row]) -> float:
        weights = self._least_volatile(rows).solution.weights
        return math.sqrt(max(self._moments.variance(weights), 0.0))

    def _least_volatile(self, rows: Sequence[Row]) -> Optimum:
        optimum = self._solver.solve(self._form(rows, MinimumVariance()))
        if optimum is None:
            raise SolutionRefused("linear limits hold together, but no least volatile portfolio was found")
        return optimum

    def _volatile_rows(self) -> list[Row]:
        """Return the rows that keep the least volatility up; the others do not matter to it."""
        optimum = self._least_volatile(self._rows)
        solution, groups = optimum.solution, [row.field for row in optimum.form.rows]

        def multiplier(row: Row) -> float:
            if row.product is not None:
                return float((solution.lower if row.is_lower else solution.upper)[row.product])
            return solution.turnover if row.field == MAX_TURNOVER else float(solution.rows[groups.index(row.field)])

        held = [row for row in self._rows if row.field != MAX_TURNOVER or optimum.form.has_purchases]
        pressing = [row for row in held if multiplier(row) > _SMALLEST_MULTIPLIER]
        return pressing if self._is_too_volatile(pressing) else self._rows

    def _of_volatility(self, limit: float) -> ConflictingLimit:
        least = self._least_volatility(self._rows)
        return ConflictingLimit(MAX_VOLATILITY, limit, _outward(least, is_lower=False))

    def _of_row(self, row: Row) -> ConflictingLimit:
        others = [other for other in self._rows if other is not row]
        least = self._linear.least(row)
        if least is not None and self._max_volatility is not None:
            least = self._least_within_volatility(row, others)
        if least is None:
            return ConflictingLimit(row.field, row.bound, None)
        return ConflictingLimit(row.field, row.bound, _outward(-least if row.is_lower else least, row.is_lower))

    def _least_within_volatility(self, row: Row, others: Sequence[Row]) -> float | None:
        buys = row.field == MAX_TURNOVER
        objective = FewestPurchases() if buys else MostOf(tuple(-row.coefficients))
        form = self._form(others, objective, self._max_volatility)
        if buys:
            form = replace(form, max_turnover=_ANY_TURNOVER)
        if self._is_too_volatile(others):
            return None
        optimum = self._solver.solve(form)
        if optimum is None:
            return None
        weights = optimum.solution.weights
        return float(np.maximum(weights - form.current, 0.0).sum() if buys else row.coefficients @ weights)

    def _form(self, rows: Sequence[Row], objective: Objective, max_volatility: float | None = None) -> StandardForm:
        """Return the problem that keeps only these rows, with a volatility limit where one is given."""
        lower, upper = self._bare.lower.copy(), self._bare.upper.copy()
        for row in rows:
            if row.product is not None:
                (lower if row.is_lower else upper)[row.product] = row.bound
        turnover = next((row.limit for row in rows if row.field == MAX_TURNOVER), None)
        return replace(
            self._bare,
            goal=goal_of(objective, self._moments, self._bare.scale),
            lower=lower,
            upper=upper,
            rows=tuple(row for row in rows if row.product is None and row.field != MAX_TURNOVER),
            max_turnover=turnover if turnover is not None and turnover < 1.0 else None,
            max_volatility=None if max_volatility is None else max_volatility / self._bare.scale,
        )


def _irreducible(rows: Sequence[Row], is_contradictory: Callable[[Sequence[Row]], bool]) -> list[Row]:
    """Return a subset that is still contradictory and of which every member is needed."""
    kept = list(rows)
    for row in rows:
        rest = [other for other in kept if other is not row]
        if is_contradictory(rest):
            kept = rest
    return kept


def _outward(bound: float, is_lower: bool) -> float:
    """Round to STEP on the looser side; a bound that is a multiple of STEP already stays."""
    steps = math.floor(bound / STEP + _ROUNDING) if is_lower else math.ceil(bound / STEP - _ROUNDING)
    return round(max(steps, 0) * STEP, _DECIMALS)
