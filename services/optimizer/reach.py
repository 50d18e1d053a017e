"""How low the curved measures of risk can be brought under some of the limits: volatility, tracking error, loss.

One measure alone is an ordinary optimum, the least variance, tracking error or loss, and is certified as such. Several
together are a cone program, see `cone_program`; in the filter, where the question is only whether they can hold, a
quadratic program with the linear limits that stand for the loss answers nearly always, see `tails`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.optimizer.cone_limits import Deviation, Limit, Linear, Loss
from services.optimizer.cone_program import Given, given_way
from services.optimizer.constraints import MAX_TURNOVER, Row
from services.optimizer.loss_witness import loss_witness
from services.optimizer.measures import Measure, is_above
from services.optimizer.moments import Matrix, Moments, Vector
from services.optimizer.objective import MinimumTrackingError, MinimumVariance, goal_of
from services.optimizer.problem import CvarLimit, Limits, Problem
from services.optimizer.solve import Optimum, Solver
from services.optimizer.standard_form import StandardForm, standard_form
from services.optimizer.tail_program import TailSolver
from services.optimizer.tail_starts import Continued
from services.optimizer.tails import cut, mean_loss, row_of
from shared.errors import SolutionRefused

_SMALLEST_MULTIPLIER = 1e-7
# Linear limits that are tried one by one before the cone program is asked.
_MOST_CUTS = 4
# With the bad scenarios of the last few portfolios the next program seldom lacks any.
_MOST_NEAR = 2
# A limit of nothing gives way at the price of a thousandth.
_SMALLEST_LIMIT = 1e-3


Way = tuple[list[float], tuple[Row, ...]]


@dataclass(frozen=True, eq=False)
class Lowest:
    """The least value of a measure, the weights that have it, (n,), and the rows that keep it up."""

    value: float
    weights: Vector
    pressing: tuple[Row, ...]


class Reach:
    """Answers for the products of one request, whatever subset of its limits is asked about.

    returns: (S, n), of the scenarios after fund fees; needed where the loss is limited.
    """

    def __init__(self, problem: Problem, moments: Moments, solver: Solver, returns: Matrix | None) -> None:
        self._moments = moments
        self._solver = solver
        self._returns = returns
        self._tail_starts = Continued(solver.tail_starts)
        self._bare = standard_form(replace(problem, limits=Limits()), moments, MinimumVariance())
        # They hold for any weights, so they stay for all questions about one limit on the loss.
        self._cuts: list[Row] = []
        # Weights whose bad scenarios matter.
        self._near: deque[Vector] = deque(maxlen=_MOST_NEAR)
        # Weights of the least loss under limits that do not allow the one of the request.
        self._least_loss: Vector | None = None
        self._lowest: dict[
            tuple[tuple[int, ...], Measure, tuple[Measure, ...]], tuple[Sequence[Row], Lowest | None]
        ] = {}
        self._ways: dict[tuple[tuple[int, ...], tuple[Measure, ...]], tuple[Sequence[Row], Way | None]] = {}

    def least(self, measure: Measure, rows: Sequence[Row], others: Sequence[Measure] = ()) -> Lowest | None:
        """Return the least of the measure under these limits; None where they contradict. Raises SolutionRefused."""
        key = (tuple(map(id, rows)), measure, tuple(others))
        if key not in self._lowest:
            # Rows are kept with the answer, so that no other has their id.
            found = self._least_beside(measure, rows, others) if others else self._least_alone(measure, rows)
            self._lowest[key] = (tuple(rows), found)
        return self._lowest[key][1]

    def way_out(self, rows: Sequence[Row], measures: Sequence[Measure]) -> Way | None:
        """Return values of the measures that rows allow together, none lower than its limit, and the rows that press.

        The sum of what they are above their limits is the least, each as a share of its own. None where the rows
        contradict each other. Raises SolutionRefused.
        """
        key = (tuple(map(id, rows)), tuple(measures))
        if key not in self._ways:
            # Rows are kept with the answer, so that no other has their id.
            self._ways[key] = (tuple(rows), self._way_out(rows, measures))
        return self._ways[key][1]

    def are_beyond(self, measures: Sequence[Measure], rows: Sequence[Row]) -> bool:
        """Return whether no portfolio keeps these measures and rows. Raises SolutionRefused."""
        head, *others = measures
        if not others:
            if head.cvar is not None and self._is_kept_near(head.cvar, rows):
                return False
            least = self.least(head, rows)
            if least is None:
                return True
            is_beyond = is_above(least.value, head)
            if is_beyond and head.cvar is not None:
                self._least_loss = least.weights
            return is_beyond
        if len(measures) == 2 and others[0].cvar is not None:
            answer = self._by_cuts(head, others[0], rows)
            if answer is not None:
                return answer
        found = self.way_out(rows, measures)
        return found is None or any(map(is_above, found[0], measures))

    def least_given(self, row: Row, rows: Sequence[Row], measures: Sequence[Measure]) -> float | None:
        """Return how far the row must give way for all others to be kept; None where that does not help.

        Raises SolutionRefused.
        """
        found = self._given(rows, [Linear(row), *map(self._limit, measures)])
        return None if found is None else max(found.by[0], 0.0)

    def _is_kept_near(self, limit: CvarLimit, rows: Sequence[Row]) -> bool:
        """Return whether a portfolio near the one of least loss that was found last keeps the loss and the rows."""
        if self._least_loss is None:
            return False
        return loss_witness(self._form(rows), self._least_loss, self._scenarios, limit) is not None

    def _least_alone(self, measure: Measure, rows: Sequence[Row]) -> Lowest | None:
        optimum = self._tail(measure.cvar, rows) if measure.cvar else self._solver.solve(self._form_for(measure, rows))
        if optimum is None:
            return None
        weights = optimum.solution.weights
        if measure.cvar is not None:
            self._near.append(weights)
        return Lowest(self._value(measure, weights), weights, tuple(row for row in rows if _presses(row, optimum)))

    def _way_out(self, rows: Sequence[Row], measures: Sequence[Measure]) -> Way | None:
        if len(measures) == 1:
            (alone,) = measures
            least = self.least(alone, rows)
            return None if least is None else ([max(alone.limit, least.value)], least.pressing)
        found = self._given(rows, [self._limit(each, price=self._price(each)) for each in measures])
        if found is None:
            return None
        for each in measures:
            if each.cvar is not None and found.shares is not None:
                self._cuts.append(row_of(self._scenarios, found.shares, each.cvar))
        values = [max(each.limit, self._value(each, found.weights)) for each in measures]
        return values, self._pressing(found, rows)

    def _by_cuts(self, head: Measure, cvar: Measure, rows: Sequence[Row]) -> bool | None:
        """Return what the least of the first says, under linear limits for the loss; None where they do not tell."""
        for _ in range(_MOST_CUTS):
            least = self.least(head, [*rows, *self._cuts])
            if least is None or is_above(least.value, head):
                return True
            if not is_above(self._value(cvar, least.weights), cvar):
                return False
            if cvar.cvar is not None:
                self._cuts.append(cut(self._scenarios, least.weights, cvar.cvar))
                self._near.append(least.weights)
        return None

    def _least_beside(self, measure: Measure, rows: Sequence[Row], others: Sequence[Measure]) -> Lowest | None:
        wanted = self._limit(replace(measure, limit=0.0), price=1.0, is_free=True)
        found = self._given(rows, [wanted, *map(self._limit, others)])
        if found is None:
            return None
        return Lowest(self._value(measure, found.weights), found.weights, self._pressing(found, rows))

    def _given(self, rows: Sequence[Row], limits: Sequence[Limit]) -> Given | None:
        form = self._form(rows)
        if (form.lower > form.upper).any():
            return None
        found = given_way(form, limits, self._near)
        if found is not None:
            self._near.append(found.weights)
        return found

    def _limit(self, measure: Measure, price: float | None = None, is_free: bool = False) -> Limit:
        if measure.cvar is not None:
            return Loss(measure.limit, measure.cvar.confidence, self._scenarios, price, is_free)
        count = len(self._bare.lower)
        benchmark = np.array(measure.tracking.benchmark) if measure.tracking else np.zeros(count)
        return Deviation(measure.limit / self._bare.scale, benchmark, price, is_free)

    def _price(self, measure: Measure) -> float:
        return (1.0 if measure.cvar else self._bare.scale) / max(abs(measure.limit), _SMALLEST_LIMIT)

    def _value(self, measure: Measure, weights: Vector) -> float:
        if measure.cvar is not None:
            return mean_loss(self._scenarios @ weights, measure.cvar.confidence)
        if measure.tracking is not None:
            weights = weights - np.array(measure.tracking.benchmark)
        return math.sqrt(max(self._moments.variance(weights), 0.0))

    def _form_for(self, measure: Measure, rows: Sequence[Row]) -> StandardForm:
        objective = MinimumTrackingError(measure.tracking.benchmark) if measure.tracking else MinimumVariance()
        return replace(self._form(rows), goal=goal_of(objective, self._moments, self._bare.scale))

    def _form(self, rows: Sequence[Row]) -> StandardForm:
        """Return the problem that keeps only these limits."""
        lower, upper = self._bare.lower.copy(), self._bare.upper.copy()
        for row in rows:
            if row.product is not None and row.is_lower:
                lower[row.product] = -row.limit
            elif row.product is not None:
                upper[row.product] = min(row.limit, upper[row.product])
        turnover = next((row.limit for row in rows if row.field == MAX_TURNOVER), None)
        return replace(
            self._bare,
            lower=lower,
            upper=upper,
            rows=_shared(rows),
            max_turnover=turnover if turnover is not None and turnover < 1.0 else None,
        )

    def _tail(self, limit: CvarLimit, rows: Sequence[Row]) -> Optimum | None:
        returns = self._scenarios
        program = TailSolver(returns, limit.confidence, 1.0, np.zeros(returns.shape[1]), self._tail_starts)
        return program.solve(self._form(rows))

    def _pressing(self, found: Given, rows: Sequence[Row]) -> tuple[Row, ...]:
        shared = dict(zip(map(id, _shared(rows)), found.rows.tolist(), strict=True))

        def multiplier(row: Row) -> float:
            if row.product is not None:
                return float((found.lower if row.is_lower else found.upper)[row.product])
            return found.turnover if row.field == MAX_TURNOVER else shared[id(row)]

        return tuple(row for row in rows if multiplier(row) > _SMALLEST_MULTIPLIER)

    @property
    def _scenarios(self) -> Matrix:
        if self._returns is None:
            raise SolutionRefused("a limit on the loss in the worst scenarios has no scenarios")
        return self._returns


def _shared(rows: Sequence[Row]) -> tuple[Row, ...]:
    return tuple(row for row in rows if row.product is None and row.field != MAX_TURNOVER)


def _presses(row: Row, optimum: Optimum) -> bool:
    form, solution = optimum.form, optimum.solution
    if row.product is not None:
        multiplier = float((solution.lower if row.is_lower else solution.upper)[row.product])
    elif row.field == MAX_TURNOVER:
        multiplier = solution.turnover if form.has_purchases else 0.0
    else:
        position = next(i for i, other in enumerate(form.rows) if other is row)
        multiplier = float(solution.rows[position])
    return multiplier > _SMALLEST_MULTIPLIER
