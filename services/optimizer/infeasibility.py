"""Why no portfolio exists: a smallest contradiction among the limits, and what would resolve it.

Linear limits first: the prices of an elastic linear program point at a contradiction, and a deletion filter
(Chinneck 2008, chapter 6) makes it irreducible. If those can hold together, a curved limit is too low, on the
volatility, the tracking error or the worst scenarios, or several are together: the multipliers of the portfolio that
brings it lowest point at the limits that keep it up, and the same filter applies. The elastic optimum itself says what
all limits have to become together.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property, partial
from itertools import chain, combinations

from services.optimizer.answers import ConflictingLimit, Infeasible
from services.optimizer.constraints import MAX_TURNOVER, Row, current_weights, product_rows, shared_rows, turnover
from services.optimizer.linear_limits import SLACK, LinearLimits, turnover_row
from services.optimizer.measures import Measure, is_above, measures_of
from services.optimizer.moments import Matrix, Moments, Vector
from services.optimizer.problem import Problem
from services.optimizer.reach import Reach
from services.optimizer.rounding import outward
from services.optimizer.solve import Solver
from services.optimizer.weight_sums import WeightSums
from shared.errors import SolutionRefused

log = logging.getLogger(__name__)

# Linear limits whose relaxation is looked for by a program, of a millisecond where all limits are linear.
MOST_PRICED_LINEAR = 32
# Linear limits whose relaxation is looked for where curved limits are kept too, each a cone program: 10 ms for 100
# products, 100 ms with a limit on the loss over 2,500 scenarios.
MOST_PRICED = 16
MOST_PRICED_WITH_LOSS = 1


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
    def _sums(self) -> WeightSums:
        return WeightSums(self._rows, current_weights(self._problem))

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
            return self._priced(self._sums.irreducible(blamed) or _irreducible(blamed, self._blamed))
        for chosen in _subsets(self._measures):
            if self._reach.are_beyond(chosen, self._rows):
                members = _irreducible(self._pressing(chosen), partial(self._still, chosen))
                return (*map(self._of_measure, chosen), *self._priced(members))
        return ()

    @cached_property
    def together(self) -> tuple[ConflictingLimit, ...]:
        """What the limits have to become all at once for a portfolio to exist; empty where that was not found."""
        given = self._given_rows
        found = [
            ConflictingLimit(row.field, row.bound, outward(eased.bound, row.is_lower))
            for row, eased in zip(self._rows, given, strict=True)
            if eased is not row
        ]
        # What is asked of the measures must hold with the bounds as they are told, rounded.
        try:
            way = self._reach.way_out(given, self._measures) if self._measures else None
        except SolutionRefused as refused:
            log.warning("no joint relaxation was proven", extra={"reason": str(refused)})
            return ()
        if way is None:
            return tuple(found) if not self._measures else ()
        for measure, value in zip(self._measures, way[0], strict=True):
            if is_above(value, measure):
                found.append(ConflictingLimit(measure.field, measure.limit, outward(value, is_lower=False)))
        return tuple(found)

    @property
    def infeasible(self) -> Infeasible:
        """The whole answer."""
        return Infeasible(self.conflicts, self.together)

    @cached_property
    def _given_rows(self) -> list[Row]:
        """The linear limits, those that are broken where the sum of what is broken is least as far as they are."""
        weights = self._linear.way_out()
        return [self._eased(row, weights) for row in self._rows]

    def _eased(self, row: Row, weights: Vector) -> Row:
        is_turnover = row.field == MAX_TURNOVER
        value = turnover(weights, current_weights(self._problem)) if is_turnover else row.coefficients @ weights
        return row if value <= row.limit + SLACK else replace(row, limit=float(value))

    def _blamed(self, rows: Sequence[Row]) -> Sequence[Row] | None:
        return self._linear.blame(rows) or None

    def _still(self, measures: Sequence[Measure], rows: Sequence[Row]) -> Sequence[Row] | None:
        """Return the rows if the measures cannot be kept with them, None if that is not so or not proven."""
        try:
            return rows if self._reach.are_beyond(measures, rows) else None
        except SolutionRefused:
            return None

    def _pressing(self, measures: Sequence[Measure]) -> Sequence[Row]:
        """Return the rows that keep the least value up; the others do not matter to it."""
        if len(measures) == 1:
            least = self._reach.least(measures[0], self._rows)
            pressing: Sequence[Row] = self._rows if least is None else least.pressing
        else:
            way = self._reach.way_out(self._rows, measures)
            pressing = self._rows if way is None else way[1]
        return self._rows if self._still(measures, pressing) is None else pressing

    def _of_measure(self, measure: Measure) -> ConflictingLimit:
        others = [other for other in self._measures if other is not measure]
        try:
            if any(self._reach.are_beyond([other], self._rows) for other in others):
                return ConflictingLimit(measure.field, measure.limit, None)
            least = self._reach.least(measure, self._rows, others)
        except SolutionRefused:
            return ConflictingLimit(measure.field, measure.limit, None, is_unsought=True)
        relaxed = None if least is None else outward(least.value, is_lower=False)
        return ConflictingLimit(measure.field, measure.limit, relaxed)

    def _priced(self, members: Sequence[Row]) -> tuple[ConflictingLimit, ...]:
        """Return the members with their relaxations, no more of them than there is time for."""
        has_loss = any(measure.cvar is not None for measure in self._measures)
        most = MOST_PRICED_WITH_LOSS if has_loss else MOST_PRICED
        most, found, sought = most if self._measures else MOST_PRICED_LINEAR, list[ConflictingLimit](), 0
        for row in members:
            at_once = self._sums.least(row)
            if self._sums.cannot_help(row) or (at_once is not None and not self._measures):
                found.append(_of_row(row, at_once))
                continue
            sought += 1
            found.append(self._of_row_within(row) if sought <= most else _unsought(row))
        return tuple(found)

    def _of_row_within(self, row: Row) -> ConflictingLimit:
        """Return the member with the bound at which the curved limits can be kept too."""
        least = self._linear.least(row)
        if least is None or not self._measures:
            return _of_row(row, least)
        others = [other for other in self._rows if other is not row]
        try:
            given = self._reach.least_given(row, others, self._measures)
        except SolutionRefused:
            return _unsought(row)
        return _of_row(row, None if given is None else row.limit + given)


def _of_row(row: Row, least: float | None) -> ConflictingLimit:
    relaxed = None if least is None else outward(row.stated(least), row.is_lower)
    return ConflictingLimit(row.field, row.bound, relaxed)


def _unsought(row: Row) -> ConflictingLimit:
    return ConflictingLimit(row.field, row.bound, None, is_unsought=True)


def _subsets(measures: Sequence[Measure]) -> list[tuple[Measure, ...]]:
    """Return the subsets of the curved limits that are not empty, the smallest first."""
    return list(chain.from_iterable(combinations(measures, size) for size in range(1, len(measures) + 1)))


def _irreducible(rows: Sequence[Row], contradictory: Callable[[Sequence[Row]], Sequence[Row] | None]) -> list[Row]:
    """Return a subset that is still contradictory and of which every member is needed.

    contradictory: returns some of the rows it is asked about that contradict each other, None where they do not.
    """
    kept = list(rows)
    for row in rows:
        if any(row is other for other in kept):
            fewer = contradictory([other for other in kept if other is not row])
            kept = kept if fewer is None else list(fewer)
    return kept
