"""Why no portfolio exists: a smallest contradiction among the limits, and what would resolve it.

Linear limits first: the prices of an elastic linear program point at a contradiction, and a deletion filter
(Chinneck 2008, chapter 6) makes it irreducible. If those can hold together, a curved limit is too low, on the
volatility, the tracking error or the worst scenarios, or several are together: the multipliers of the portfolio that
brings it lowest point at the limits that keep it up, and the same filter applies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from itertools import chain, combinations

import numpy as np

from services.optimizer.answers import ConflictingLimit
from services.optimizer.constraints import MAX_TURNOVER, Row, current_weights, product_rows, shared_rows
from services.optimizer.linear_limits import LinearLimits, turnover_row
from services.optimizer.moments import Matrix, Moments
from services.optimizer.objective import FewestPurchases, MostOf
from services.optimizer.problem import Problem
from services.optimizer.proven import Found
from services.optimizer.reach import Measure, Reach, measures_of
from services.optimizer.rounding import outward
from services.optimizer.solve import Solver

# What a solver's rounding may add to the least value of a curved measure, as a share of it.
_MEASURE_SLACK = 1e-6
_SMALLEST_MULTIPLIER = 1e-7


class Diagnosis:
    """Looks for a contradiction among the limits of one request, once, when first asked.

    extra_rows: limits that the objective brings.  returns: see `Reach`.
    """

    def __init__(
        self,
        problem: Problem,
        moments: Moments,
        solver: Solver,
        extra_rows: Sequence[Row] = (),
        returns: Matrix | None = None,
    ) -> None:
        self._problem = problem
        self._moments = moments
        self._solver = solver
        self._extra_rows = tuple(extra_rows)
        self._returns = returns
        self._measures = measures_of(problem.limits)

    @cached_property
    def _rows(self) -> list[Row]:
        limit = self._problem.limits.max_turnover
        turnover = [] if limit is None else [turnover_row(len(self._problem.products), limit)]
        return product_rows(self._problem) + shared_rows(self._problem) + [*self._extra_rows] + turnover

    @cached_property
    def _linear(self) -> LinearLimits:
        return LinearLimits(self._rows, current_weights(self._problem))

    @cached_property
    def _reach(self) -> Reach:
        return Reach(self._problem, self._moments, self._solver, self._returns)

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
        for chosen in _subsets(self._measures):
            if self._is_too_low(chosen, self._rows):
                members = _irreducible(self._pressing(chosen), partial(self._is_too_low, chosen))
                return (*map(self._of_measure, chosen), *map(self._of_row, members))
        return ()

    def _is_too_low(self, measures: Sequence[Measure], rows: Sequence[Row]) -> bool:
        head, *others = measures
        least = self._reach.least(head, rows, others)
        return least is None or least[0] > head.limit + abs(head.limit) * _MEASURE_SLACK

    def _pressing(self, measures: Sequence[Measure]) -> list[Row]:
        """Return the rows that keep the least value up; the others do not matter to it."""
        head, *others = measures
        least = self._reach.least(head, self._rows, others)
        pressing = self._rows if least is None else [row for row in self._rows if _presses(row, least[1])]
        return pressing if self._is_too_low(measures, pressing) else self._rows

    def _of_measure(self, measure: Measure) -> ConflictingLimit:
        others = [other for other in self._measures if other is not measure]
        least = self._reach.least(measure, self._rows, others)
        relaxed = None if least is None else outward(least[0], is_lower=False)
        return ConflictingLimit(measure.field, measure.limit, relaxed)

    def _of_row(self, row: Row) -> ConflictingLimit:
        least = self._linear.least(row)
        if least is not None and self._measures:
            least = self._least_within_measures(row)
        relaxed = None if least is None else outward(row.stated(least), row.is_lower)
        return ConflictingLimit(row.field, row.bound, relaxed)

    def _least_within_measures(self, row: Row) -> float | None:
        others = [other for other in self._rows if other is not row]
        if any(self._is_too_low(chosen, others) for chosen in _subsets(self._measures)):
            return None
        buys = row.field == MAX_TURNOVER
        objective = FewestPurchases() if buys else MostOf(tuple(-row.coefficients))
        found = self._reach.best(objective, others, self._measures, counts_purchases=buys)
        if found is None:
            return None
        bought = np.maximum(found.weights - current_weights(self._problem), 0.0).sum()
        return float(bought if buys else row.coefficients @ found.weights)


def _presses(row: Row, found: Found) -> bool:
    form, solution = found.optimum.form, found.optimum.solution
    if row.product is not None:
        multiplier = float((solution.lower if row.is_lower else solution.upper)[row.product])
    elif row.field == MAX_TURNOVER:
        multiplier = solution.turnover if form.has_purchases else 0.0
    else:
        position = next(i for i, other in enumerate(form.rows) if other is row)
        multiplier = float(solution.rows[position])
    return multiplier > _SMALLEST_MULTIPLIER


def _subsets(measures: Sequence[Measure]) -> list[tuple[Measure, ...]]:
    """Return the subsets of the curved limits that are not empty, the smallest first."""
    return list(chain.from_iterable(combinations(measures, size) for size in range(1, len(measures) + 1)))


def _irreducible(rows: Sequence[Row], is_contradictory: Callable[[Sequence[Row]], bool]) -> list[Row]:
    """Return a subset that is still contradictory and of which every member is needed."""
    kept = list(rows)
    for row in rows:
        rest = [other for other in kept if other is not row]
        if is_contradictory(rest):
            kept = rest
    return kept
