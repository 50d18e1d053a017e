"""Optima under two limits that the standard form does not know: tracking error and loss in the worst scenarios.

Both are brought back to it, so that every step is certified as any other optimum is.
- Tracking error: with a multiplier on half its square the limit joins the objective as one more quadratic over the
  same covariance (Boyd and Vandenberghe 2004, section 5.5.5). The blend (1 - x) f + x d^2 / 2 is solved for the x
  at which the deviation d equals the limit; d falls as x rises.
- Loss in the worst scenarios: where the rest is linear, by the price of the loss, see `tail_price`. Else linear limits
  are added until none is broken, see `tails`, the first of them from the whole program, see `tail_seed`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np
from scipy.optimize import brentq

from services.optimizer.answers import BindingLimit
from services.optimizer.constraints import Row
from services.optimizer.moments import Matrix
from services.optimizer.objective import Goal
from services.optimizer.problem import CvarLimit, Limits, TrackingErrorLimit
from services.optimizer.proven import Found, with_residuals
from services.optimizer.solve import Optimum
from services.optimizer.standard_form import StandardForm
from services.optimizer.tail_price import priced
from services.optimizer.tail_program import TailSolver
from services.optimizer.tail_seed import seed
from services.optimizer.tail_starts import Continued, TailStarts
from services.optimizer.tails import cut, mean_loss
from shared.errors import SolutionRefused

TRACKING_ERROR = "limits.tracking_error.max_tracking_error"
# A limit that is kept to this, relative, is kept; a hundredth of what the certificate allows.
_KEPT = 1e-8
_MOST_CUTS = 300
# After this many linear limits the whole program is asked for the one that matters.
_SLOW = 12
_SMALLEST_BLEND = 1e-9
# What rounding may add to the least loss there is, relative; contradictions are judged with the same.
_ROOM = 1e-6

Ask = Callable[[], bool] | None


class SolvesForms(Protocol):
    """What `Within` builds on: the solver of quadratic problems, or the program for the least loss."""

    @property
    def tail_starts(self) -> TailStarts | Continued:
        """Where programs over the scenarios start."""
        ...

    def solve(self, form: StandardForm, is_contradictory: Ask = None) -> Optimum | None:
        """Return the optimum, or None where the limits contradict each other. Raises SolutionRefused."""
        ...


class Within:
    """Solves standard forms under the limits of one request that they do not state.

    returns: (S, n), of the scenarios after fund fees; needed where the loss is limited.
    """

    def __init__(self, solver: SolvesForms, limits: Limits, returns: np.ndarray | None) -> None:
        self._solver = solver
        self._deviation = limits.tracking_error
        self._cvar = limits.max_cvar
        self._returns = returns
        # They hold for any weights and any objective, so they stay for the next problem over the same scenarios.
        self._cuts: list[Row] = []

    def solve(self, form: StandardForm, is_contradictory: Ask = None) -> Found | None:
        """Return the optimum, or None where the limits contradict each other. Raises SolutionRefused."""
        if self._cvar is None or self._returns is None:
            return self._tracking(form, is_contradictory)
        free = self._tracking(form, is_contradictory)
        if free is None or mean_loss(self._returns @ free.weights, self._cvar.confidence) <= self._cvar.max_loss:
            return free
        least = TailSolver(
            self._returns, self._cvar.confidence, 1.0, np.zeros(len(form.lower)), self._solver.tail_starts
        )
        lowest = least.solve(replace(form, max_volatility=None), is_contradictory)
        if lowest is None or _loss(lowest, self._returns, self._cvar) > self._cvar.max_loss * (1.0 + _ROOM) + _KEPT:
            if is_contradictory is not None and not is_contradictory():
                raise SolutionRefused("no portfolio keeps the loss, although the limits do not contradict each other")
            return None
        program = self._linear(form, least)
        if program is not None:
            return priced(program, form, self._cvar, free.optimum, lowest)
        # Linear limits would be added without end where no portfolio obeys.
        if is_contradictory is not None and is_contradictory():
            return None
        return self._cut(form, self._returns, self._cvar, free, lowest, is_contradictory)

    def _linear(self, form: StandardForm, least: TailSolver) -> TailSolver | None:
        """Return the problem without the limit on the loss as a tail program; None where it is none."""
        if isinstance(self._solver, TailSolver):
            return self._solver
        if form.goal.quadratic > 0.0 or form.max_volatility is not None or self._deviation is not None:
            return None
        return replace(least, price=0.0, expected=form.goal.linear, purchase_cost=form.goal.purchase_cost)

    def _cut(
        self,
        form: StandardForm,
        returns: Matrix,
        limit: CvarLimit,
        found: Found,
        lowest: Optimum,
        is_contradictory: Ask,
    ) -> Found | None:
        has_cone = form.max_volatility is not None or self._deviation is not None
        for step in range(_MOST_CUTS):
            self._cuts.append(cut(returns, found.weights, limit))
            if step % _SLOW == 0 and (form.goal.quadratic > 0.0 or has_cone):
                seeded = seed(form, returns, limit, found.weights, lowest.solution.weights, self._deviation)
                self._cuts += [] if seeded is None else [seeded]
            better = self._tracking(replace(form, rows=(*form.rows, *self._cuts)), is_contradictory)
            if better is None:
                return None
            found = better
            excess = _loss(found.optimum, returns, limit) - limit.max_loss
            if excess <= _KEPT:
                return replace(found, optimum=with_residuals(found.optimum, primal=excess))
        raise SolutionRefused(f"the loss in the worst scenarios is not settled after {_MOST_CUTS} linear limits")

    def _tracking(self, form: StandardForm, is_contradictory: Ask) -> Found | None:
        free = self._solver.solve(form, is_contradictory)
        if free is None or self._deviation is None:
            return None if free is None else Found(free)
        limit = self._deviation.max_tracking_error / form.scale
        if deviation(free, self._deviation) <= limit * (1.0 + _KEPT):
            return Found(free)
        return self._blended(form, self._deviation, limit, is_contradictory)

    def _blended(
        self, form: StandardForm, tracking: TrackingErrorLimit, limit: float, is_contradictory: Ask
    ) -> Found | None:
        seen: dict[float, Optimum] = {}

        def excess(blend: float) -> float:
            found = self._solver.solve(replace(form, goal=_blend(form, tracking, blend)))
            if found is None:
                raise SolutionRefused("limits that could be met were not, with the tracking error in the objective")
            seen[blend] = found
            return deviation(found, tracking) / limit - 1.0

        if excess(1.0) > _KEPT:
            if is_contradictory is not None and not is_contradictory():
                raise SolutionRefused("no portfolio keeps the tracking error, although the limits do not contradict")
            return None
        if excess(_SMALLEST_BLEND) > 0.0 > excess(1.0):
            brentq(excess, _SMALLEST_BLEND, 1.0, xtol=1e-15, rtol=1e-14)
        blend, best = min(seen.items(), key=lambda pair: abs(deviation(pair[1], tracking) - limit))
        gap = deviation(best, tracking) - limit
        best = with_residuals(best, primal=gap, complementarity=blend * limit * abs(gap))
        # A blend of one is the least deviation of all: what more would be worth has no end there.
        worth = blend * limit * best.form.goal.price / form.scale
        return Found(best, (BindingLimit(TRACKING_ERROR, tracking.max_tracking_error, worth),))


def _loss(optimum: Optimum, returns: Matrix, limit: CvarLimit) -> float:
    return mean_loss(returns @ optimum.solution.weights, limit.confidence)


def deviation(optimum: Optimum, tracking: TrackingErrorLimit) -> float:
    """Return the tracking error in units of the form's scale."""
    difference = optimum.solution.weights - np.array(tracking.benchmark)
    return math.sqrt(max(float(difference @ optimum.form.covariance_times(difference)), 0.0))


def _blend(form: StandardForm, tracking: TrackingErrorLimit, blend: float) -> Goal:
    """Return (1 - x) f + x d^2 / 2; what it is worth in units of the request grows as f's part shrinks."""
    goal, rest = form.goal, 1.0 - blend
    pull = form.covariance_times(np.array(tracking.benchmark))
    return Goal(
        quadratic=rest * goal.quadratic + blend,
        linear=rest * goal.linear + blend * (pull - 0.5 * (pull.max() + pull.min())),
        price=goal.price / max(rest, _KEPT),
        purchase_cost=rest * goal.purchase_cost,
    )
