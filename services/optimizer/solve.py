"""Solve a standard form: one solver after the other until our own certificate holds."""

from __future__ import annotations

import importlib.metadata
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import cvxpy as cp
import numpy as np

from services.optimizer.certificate import TOLERANCE, Certificate, Residuals, gradient, residuals_of
from services.optimizer.dense_quadratic import FEW_PRODUCTS, dense_optimum, is_dense
from services.optimizer.linear_limits import SLACK
from services.optimizer.quadratic import QuadraticTemplate, quadratic_shape
from services.optimizer.reduced_map import QuadraticShape
from services.optimizer.refine import refined
from services.optimizer.standard_form import Solution, StandardForm
from services.optimizer.tail_starts import TailStarts
from services.optimizer.template import Shape, Template, shape_of
from shared.errors import SolutionRefused

log = logging.getLogger(__name__)

# Each is asked for far more than the certificate demands; what it delivers is measured, not believed.
OPTIONS: dict[str, dict[str, Any]] = {
    "PIQP": {"eps_abs": 1e-10, "eps_rel": 1e-10, "max_iter": 400},
    "CLARABEL": {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10, "max_iter": 400},
    "SCS": {"eps_abs": 1e-9, "eps_rel": 1e-9, "max_iters": 50_000},
}
# PIQP solves quadratic programs only; HiGHS's quadratic solver was wrong or unfinished in a quarter of trials.
_WITHOUT_CONE = ("PIQP", "CLARABEL", "SCS")
_WITH_CONE = ("CLARABEL", "SCS")


# Rounding: no solver comes closer.
_EXACT = 1e-12
_Key = tuple[Shape, str] | QuadraticShape


@dataclass(frozen=True, eq=False)
class Optimum:
    """A solution whose certificate holds."""

    form: StandardForm
    solution: Solution
    certificate: Certificate


class Solver:
    """Keeps compiled problems, a bounded number of them, the least recently used leaving first.

    Not thread-safe: one worker owns it. Nothing but compiled problems passes from one request to the next.
    """

    def __init__(self, capacity: int = 32) -> None:
        self._capacity = capacity
        self._templates: OrderedDict[_Key, Template | QuadraticTemplate] = OrderedDict()
        self.tail_starts = TailStarts()

    def solve(self, form: StandardForm, is_contradictory: Callable[[], bool] | None = None) -> Optimum | None:
        """Return the optimum, or None where the limits contradict each other.

        is_contradictory: asked once, when a solver says that nothing is feasible; a solver alone is not believed.
        Raises SolutionRefused where no solver reaches the tolerance.
        """
        if (form.lower - form.upper > SLACK).any():
            return None
        attempts = []
        for name in _WITHOUT_CONE if form.max_volatility is None else _WITH_CONE:
            status, solution = self._attempt(form, name)
            if solution is None:
                attempts.append(f"{name} {status}")
                if "infeasible" in status and (is_contradictory is None or is_contradictory()):
                    return None
                continue
            best, residuals = _best(form, solution)
            if residuals.largest <= TOLERANCE:
                return Optimum(form, best, Certificate(name, _version(name), status, residuals))
            attempts.append(f"{name} {status} {residuals.largest:.1e}")
        if is_contradictory is not None and is_contradictory():
            return None
        log.error("no solver reached the tolerance", extra={"attempts": attempts, "products": len(form.lower)})
        raise SolutionRefused(f"no solver reached residuals of {TOLERANCE:g}: {'; '.join(attempts)}")

    def prepare(self, shape: Shape, solver: str) -> None:
        """Compile a problem of this shape before a request needs it; where few products go to PIQP there is no need."""
        if solver == "PIQP" and shape.products <= FEW_PRODUCTS:
            return
        if solver == "PIQP":
            self._quadratic(QuadraticShape(shape.products, shape.factors, shape.rows))
        else:
            self._template(shape, solver).prepare(solver)

    def _attempt(self, form: StandardForm, solver: str) -> tuple[str, Solution | None]:
        if solver == "PIQP" and is_dense(form):
            return dense_optimum(form, OPTIONS[solver])
        if solver == "PIQP":
            return self._quadratic(quadratic_shape(form)).solve(form, OPTIONS[solver])
        try:
            return self._template(shape_of(form), solver).solve(form, solver, OPTIONS[solver])
        except cp.SolverError as error:
            return f"failed ({str(error)[:80]})", None

    def _quadratic(self, shape: QuadraticShape) -> QuadraticTemplate:
        return self._kept(shape, lambda: QuadraticTemplate(shape))

    def _template(self, shape: Shape, solver: str) -> Template:
        return self._kept((shape, solver), lambda: Template(shape))

    def _kept(self, key: _Key, build: Callable[[], Any]) -> Any:
        template = self._templates.pop(key, None) or build()
        self._templates[key] = template
        while len(self._templates) > self._capacity:
            self._templates.popitem(last=False)
        return template


def _best(form: StandardForm, solution: Solution) -> tuple[Solution, Residuals]:
    """Return the solution, sharpened if that helps, and its residuals."""
    sharp = refined(form, solution)
    if sharp is not None:
        residuals = residuals_of(form, sharp)
        if residuals.largest <= _EXACT:
            return sharp, residuals
    candidates = [_completed(form, solution), *([] if sharp is None else [sharp])]
    judged = [(candidate, residuals_of(form, candidate)) for candidate in candidates]
    return min(judged, key=lambda pair: pair[1].largest)


def _completed(form: StandardForm, solution: Solution) -> Solution:
    """Return the solution with multipliers of products that were constants, from stationarity."""
    bought = solution.weights > form.current
    cost = form.goal.purchase_cost + solution.turnover if form.has_purchases else 0.0
    purchases = np.where(form.is_free, solution.purchases, np.where(bought, cost, 0.0))
    solution = replace(solution, purchases=purchases)
    slope = gradient(form, solution)
    return replace(
        solution,
        lower=np.where(form.is_free, solution.lower, np.maximum(slope, 0.0)),
        upper=np.where(form.is_free, solution.upper, np.maximum(-slope, 0.0)),
    )


@cache
def _version(solver: str) -> str:
    return importlib.metadata.version(solver.lower())
