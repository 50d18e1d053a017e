"""How low the curved measures of risk can be brought under some of the limits: volatility, tracking error, loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.optimizer.constraints import MAX_TURNOVER, Row
from services.optimizer.moments import Matrix, Moments
from services.optimizer.objective import MinimumTrackingError, MinimumVariance, Objective, goal_of
from services.optimizer.problem import CvarLimit, Limits, Problem, TrackingErrorLimit
from services.optimizer.proven import Found
from services.optimizer.solve import Solver
from services.optimizer.standard_form import StandardForm, standard_form
from services.optimizer.tail_program import TailSolver
from services.optimizer.tail_starts import Continued
from services.optimizer.tails import MAX_CVAR, mean_loss
from services.optimizer.within import TRACKING_ERROR, Within, deviation
from shared.errors import SolutionRefused

# More than any portfolio can buy: purchases are counted but free.
_ANY_TURNOVER = 2.0
# Half the interval this often: from a loss of one to a millionth.
_HALVINGS = 22


@dataclass(frozen=True)
class Measure:
    """A curved limit of the request: on the volatility, or what `tracking` or `cvar` say."""

    field: str
    limit: float
    tracking: TrackingErrorLimit | None = None
    cvar: CvarLimit | None = None


def measures_of(limits: Limits) -> list[Measure]:
    """Return the curved limits of a request."""
    found = []
    if limits.max_volatility is not None:
        found.append(Measure(limits.volatility_field, limits.max_volatility))
    if limits.tracking_error is not None:
        tracking = limits.tracking_error
        found.append(Measure(TRACKING_ERROR, tracking.max_tracking_error, tracking=tracking))
    if limits.max_cvar is not None:
        found.append(Measure(MAX_CVAR, limits.max_cvar.max_loss, cvar=limits.max_cvar))
    return found


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

    def best(
        self,
        objective: Objective,
        rows: Sequence[Row],
        measures: Sequence[Measure],
        counts_purchases: bool = False,
    ) -> Found | None:
        """Return the optimum that obeys only these limits; None where they contradict each other."""
        form = self.form(objective, rows, measures)
        if counts_purchases:
            form = replace(form, max_turnover=_ANY_TURNOVER)
        return self._within(measures).solve(form)

    def least(self, measure: Measure, rows: Sequence[Row], others: Sequence[Measure]) -> tuple[float, Found] | None:
        """Return the least value of the measure under these limits, and who has it; None where they contradict."""
        if measure.cvar is not None:
            return self._least_loss(measure.cvar, rows, others)
        objective = MinimumTrackingError(measure.tracking.benchmark) if measure.tracking else MinimumVariance()
        found = self.best(objective, rows, others)
        if found is None:
            return None
        if measure.tracking is not None:
            return deviation(found.optimum, measure.tracking) * self._bare.scale, found
        return math.sqrt(max(self._moments.variance(found.weights), 0.0)), found

    def form(self, objective: Objective, rows: Sequence[Row], measures: Sequence[Measure] = ()) -> StandardForm:
        """Return the problem that keeps only these limits."""
        lower, upper = self._bare.lower.copy(), self._bare.upper.copy()
        for row in rows:
            if row.product is not None and row.is_lower:
                lower[row.product] = row.bound
            elif row.product is not None:
                upper[row.product] = min(row.bound, upper[row.product])
        turnover = next((row.limit for row in rows if row.field == MAX_TURNOVER), None)
        volatility = next((m.limit for m in measures if m.tracking is None and m.cvar is None), None)
        return replace(
            self._bare,
            goal=goal_of(objective, self._moments, self._bare.scale),
            lower=lower,
            upper=upper,
            rows=tuple(row for row in rows if row.product is None and row.field != MAX_TURNOVER),
            max_turnover=turnover if turnover is not None and turnover < 1.0 else None,
            max_volatility=None if volatility is None else volatility / self._bare.scale,
        )

    def _within(self, measures: Sequence[Measure]) -> Within:
        limits = Limits(
            tracking_error=next((m.tracking for m in measures if m.tracking), None),
            max_cvar=next((m.cvar for m in measures if m.cvar), None),
        )
        return Within(self._solver, limits, self._returns)

    def _least_loss(
        self, limit: CvarLimit, rows: Sequence[Row], others: Sequence[Measure]
    ) -> tuple[float, Found] | None:
        returns = self._scenarios
        free = TailSolver(returns, limit.confidence, 1.0, np.zeros(returns.shape[1]), self._tail_starts)
        optimum = free.solve(self.form(MinimumVariance(), rows))
        if optimum is None:
            return None
        low = mean_loss(returns @ optimum.solution.weights, limit.confidence)
        if not others:
            return low, Found(optimum)
        found = self.best(MinimumVariance(), rows, others)
        if found is None:
            return None
        high = mean_loss(returns @ found.weights, limit.confidence)
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            wanted = Measure(MAX_CVAR, middle, cvar=replace(limit, max_loss=middle))
            better = self.best(MinimumVariance(), rows, [*others, wanted])
            low, high, found = (middle, high, found) if better is None else (low, middle, better)
        return high, found

    @property
    def _scenarios(self) -> Matrix:
        if self._returns is None:
            raise SolutionRefused("a limit on the loss in the worst scenarios has no scenarios")
        return self._returns
