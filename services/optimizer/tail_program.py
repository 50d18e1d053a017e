"""Standard forms with a loss in the worst scenarios for a goal, solved by HiGHS and certified by us.

Few scenarios are ever among the worst. A program starts with those of a reference over the same scenarios, see
`tail_starts`, and takes in what is bad for each answer, until nothing is missing. With the scenarios' shares known
the weights are optimal for a linear objective, and the certificate of the standard form applies as it is.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial

import numpy as np

from services.optimizer.certificate import TOLERANCE, Certificate, residuals_of
from services.optimizer.constraints import limits_of, matrix_of
from services.optimizer.moments import Matrix, Vector
from services.optimizer.objective import Goal
from services.optimizer.proven import with_residuals
from services.optimizer.solve import Optimum
from services.optimizer.standard_form import Solution, StandardForm
from services.optimizer.tail_lp import TailLimits, TailProgram, Values
from services.optimizer.tail_start import cold
from services.optimizer.tail_starts import Continued, TailStarts
from services.optimizer.tails import mean_loss
from shared.errors import SolutionRefused


@dataclass(frozen=True, eq=False)
class TailSolver:
    """Solves standard forms with another goal in place of theirs: price * mean loss - expected' w at its least.

    returns: (S, n) of the scenarios after fund fees.  expected: (n,), zeros where only the loss counts.
    purchase_cost: for each unit that is bought; counted where the form counts purchases.
    """

    returns: Matrix
    confidence: float
    price: float
    expected: Vector
    tail_starts: TailStarts | Continued
    purchase_cost: float = 0.0

    def solve(self, form: StandardForm, is_contradictory: Callable[[], bool] | None = None) -> Optimum | None:
        """Return the optimum, or None where the limits contradict each other. Raises SolutionRefused."""
        if form.max_volatility is not None:
            raise ValueError("a linear program has no volatility limit")
        warm = self.tail_starts.start(self.returns, self.confidence, self.price, self.expected)
        attempts = []
        # The second time from nothing and scaled: another path to the same optimum.
        for start, is_scaled in ((warm, False), (cold(self.returns, self.confidence), True)):
            program = TailProgram(
                self.returns,
                self.confidence,
                self.price / self._unit,
                self.expected / self._unit,
                TailLimits(
                    form.lower,
                    form.upper,
                    matrix_of(form.rows, len(form.lower)),
                    limits_of(form.rows),
                    form.current,
                    form.max_turnover,
                    self.purchase_cost / self._unit,
                ),
                start,
            )
            status, values = program.solve(is_scaled)
            optimum = None if values is None else self._certified(form, status, values)
            if optimum is not None:
                self.tail_starts.ended(self.confidence, partial(program.start, optimum.solution.weights))
                return optimum
            attempts.append(status)
            # A dual that has no end means a primal that has no solution; HiGHS alone is not believed.
            if "unbounded" in status and (is_contradictory is None or is_contradictory()):
                return None
        raise SolutionRefused(f"HiGHS: {'; '.join(attempts)}, although the limits do not contradict each other")

    @cached_property
    def _unit(self) -> float:
        """What one unit of the scaled objective is worth."""
        of_loss, of_returns = self.price * float(np.abs(self.returns).mean()), float(np.abs(self.expected).max())
        return max(of_loss, of_returns, self.purchase_cost) or 1.0

    def value(self, optimum: Optimum) -> float:
        """Return price * mean loss - expected' w + cost of purchases."""
        w = optimum.solution.weights
        bought = np.maximum(w - optimum.form.current, 0.0).sum() if optimum.form.has_purchases else 0.0
        loss = mean_loss(self.returns @ w, self.confidence)
        return float(self.price * loss - self.expected @ w + self.purchase_cost * bought)

    def _certified(self, form: StandardForm, status: str, values: Values) -> Optimum | None:
        """Return the optimum, or None where its residuals are above the tolerance."""
        price, expected, shares = self.price / self._unit, self.expected / self._unit, values.shares
        pull = price * (shares @ self.returns) + expected
        form = replace(form, goal=Goal(0.0, pull, price=self._unit, purchase_cost=self.purchase_cost / self._unit))
        solution = Solution(
            weights=values.weights,
            budget=values.budget,
            lower=values.lower,
            upper=values.upper,
            rows=values.rows,
            purchases=values.purchases,
            turnover=values.turnover,
            volatility=0.0,
        )
        certificate = Certificate("HIGHS", _version(), status, residuals_of(form, solution))
        # The reweighting must be one that the definition allows, and the worst of all for these weights.
        most = 1.0 / ((1.0 - self.confidence) * len(self.returns))
        outside = float(max(-shares.min(), shares.max() - most, abs(shares.sum() - 1.0)))
        if not max(certificate.residuals.largest, outside, price * values.gap) <= TOLERANCE:
            return None
        return with_residuals(Optimum(form, solution, certificate), dual=outside, complementarity=price * values.gap)


@cache
def _version() -> str:
    return importlib.metadata.version("highspy")
