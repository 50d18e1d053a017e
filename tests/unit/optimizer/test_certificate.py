from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from services.optimizer.certificate import TOLERANCE, residuals_of
from services.optimizer.moments import product_moments
from services.optimizer.objective import MaximumReturn, MinimumVariance
from services.optimizer.problem import Bound, Limits, Problem
from services.optimizer.standard_form import Solution, StandardForm, standard_form
from tests.unit.optimizer.builders import SOLVER, dense_market, group, kb_market, kb_products, products

# Variances 1.6 and 0.4, so that the scale is one and every number below can be checked by hand.
MARKET = dense_market([0.05, 0.05], np.diag([1.6, 0.4]))


def _form(limits: Limits) -> StandardForm:
    problem = Problem("USD", products(2), limits)
    return standard_form(problem, product_moments(problem.products, "USD", MARKET), MinimumVariance())


def _by_hand(weights: list[float], budget: float, upper: list[float]) -> Solution:
    none = np.zeros(2)
    return Solution(np.array(weights), budget, none, np.array(upper), np.zeros(0), none, 0.0, 0.0)


def test_a_solution_worked_out_by_hand_has_no_residuals() -> None:
    # Slopes are 1.6 w0 and 0.4 w1; with w1 held at 0.5 the multiplier makes up the difference of 0.6.
    solution = _by_hand([0.5, 0.5], budget=-0.8, upper=[0.0, 0.6])

    assert residuals_of(_form(Limits({"p1": Bound(maximum=0.5)})), solution).largest < 1e-15


@pytest.mark.parametrize(
    ("solution", "residual", "size"),
    [
        (_by_hand([0.5, 0.6], -0.8, [0.0, 0.6]), "primal", 0.1),
        (_by_hand([0.5, 0.5], -0.8, [0.0, 0.5]), "dual", 0.1),
        (_by_hand([0.5, 0.5], -0.2, [-0.6, 0.0]), "dual", 0.6),
        (_by_hand([0.6, 0.4], -0.96, [0.0, 0.8]), "complementarity", 0.08),
    ],
)
def test_each_kind_of_error_shows_in_its_residual(solution: Solution, residual: str, size: float) -> None:
    found = residuals_of(_form(Limits({"p1": Bound(maximum=0.5)})), solution)

    assert getattr(found, residual) == pytest.approx(size)


def test_a_number_that_is_none_is_infinitely_wrong() -> None:
    solution = _by_hand([float("nan"), 0.5], -0.8, [0.0, 0.6])

    assert residuals_of(_form(Limits()), solution).largest == float("inf")


def test_moving_a_thousandth_of_weight_away_from_an_optimum_is_noticed() -> None:
    items = kb_products("US")[:20]
    limits = Limits({items[0].id: Bound(0.1)}, (group("some", [p.id for p in items[:5]], maximum=0.3),), 0.8, 0.15)
    problem = Problem("USD", items, limits, {items[0].id: 0.9})
    form = standard_form(problem, product_moments(items, "USD", kb_market()), MinimumVariance())
    optimum = SOLVER.solve(form)
    assert optimum is not None
    assert optimum.certificate.residuals.largest <= TOLERANCE
    order = np.argsort(optimum.solution.weights)
    moved = optimum.solution.weights.copy()
    moved[order[-1]] -= 1e-3
    moved[order[0]] += 1e-3

    assert residuals_of(form, replace(optimum.solution, weights=moved)).largest > 10 * TOLERANCE


@pytest.mark.parametrize("name", ["rows", "turnover", "volatility"])
def test_a_multiplier_that_is_left_out_is_noticed(name: str) -> None:
    items = kb_products("US")
    limits = Limits(groups=(group("gold", ["IAU", "GLD"], minimum=0.3),), max_turnover=0.5, max_volatility=0.08)
    problem = Problem("USD", items, limits, {"VTI": 0.7, "BND": 0.2})
    form = standard_form(problem, product_moments(items, "USD", kb_market()), MaximumReturn())
    optimum = SOLVER.solve(form)
    assert optimum is not None
    kept = getattr(optimum.solution, name)
    if not np.any(kept > 1e-4):
        pytest.fail(f"{name} does not bind in this problem, which proves nothing")

    found = residuals_of(form, replace(optimum.solution, **{name: kept * 0.0}))

    assert found.largest > 10 * TOLERANCE
