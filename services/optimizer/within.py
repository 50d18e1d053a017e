"""Optima under two limits that the standard form does not know: tracking error and loss in the worst scenarios.

Both are brought back to it, so that every step is certified as any other optimum is.
- Tracking error: with a multiplier on half its square the limit joins the objective as one more quadratic over the
  same covariance (Boyd and Vandenberghe 2004, section 5.5.5). The blend (1 - x) f + x d^2 / 2 is solved for the x
  at which the deviation d equals the limit; d falls as x rises.
- Loss in the worst scenarios: linear limits are added until none is broken, see `tails`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from scipy.optimize import brentq

from services.optimizer.answers import BindingLimit
from services.optimizer.constraints import Row
from services.optimizer.moments import Vector
from services.optimizer.objective import Goal
from services.optimizer.problem import Limits, TrackingErrorLimit
from services.optimizer.solve import Optimum
from services.optimizer.standard_form import StandardForm
from services.optimizer.tail_seed import seed
from services.optimizer.tails import cut, mean_loss
from shared.errors import SolutionRefused

TRACKING_ERROR = "limits.tracking_error.max_tracking_error"
# A limit that is kept to this, relative, is kept; a hundredth of what the certificate allows.
_KEPT = 1e-8
_MOST_CUTS = 300
# After this many linear limits the whole program is asked for the one that matters.
_SLOW = 12
_SMALLEST_BLEND = 1e-9

Ask = Callable[[], bool] | None


@dataclass(frozen=True, eq=False)
class Found:
    """An optimum, and what it is held back by beside the limits of the standard form."""

    optimum: Optimum
    binding: tuple[BindingLimit, ...] = ()

    @property
    def weights(self) -> Vector:
        """The weights, (n,)."""
        return self.optimum.solution.weights


class SolvesForms(Protocol):
    """What `Within` builds on: the solver of quadratic problems, or the program for the least loss."""

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
        for step in range(_MOST_CUTS):
            found = self._tracking(replace(form, rows=(*form.rows, *self._cuts)), is_contradictory)
            if found is None:
                return None
            excess = mean_loss(self._returns @ found.weights, self._cvar.confidence) - self._cvar.max_loss
            if excess <= _KEPT:
                return replace(found, optimum=with_residuals(found.optimum, primal=excess))
            self._cuts.append(cut(self._returns, found.weights, self._cvar))
            if step % _SLOW == _SLOW - 1 and form.goal.quadratic > 0.0:
                seeded = seed(form, self._returns, self._cvar, found.weights)
                self._cuts += [] if seeded is None else [seeded]
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


def deviation(optimum: Optimum, tracking: TrackingErrorLimit) -> float:
    """Return the tracking error in units of the form's scale."""
    difference = optimum.solution.weights - np.array(tracking.benchmark)
    return math.sqrt(max(float(difference @ optimum.form.covariance_times(difference)), 0.0))


def with_residuals(optimum: Optimum, primal: float = 0.0, dual: float = 0.0, complementarity: float = 0.0) -> Optimum:
    """Return the optimum with a certificate that counts these too. Raises SolutionRefused above its tolerance."""
    before = optimum.certificate.residuals
    residuals = type(before)(
        max(before.primal, primal), max(before.dual, dual), max(before.complementarity, complementarity)
    )
    if not residuals.largest <= optimum.certificate.tolerance:
        raise SolutionRefused(f"residuals of {residuals.largest:.1e} are above {optimum.certificate.tolerance:g}")
    return replace(optimum, certificate=replace(optimum.certificate, residuals=residuals))


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
