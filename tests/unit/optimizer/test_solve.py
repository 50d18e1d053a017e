from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from services.optimizer import solve
from services.optimizer.dense_quadratic import FEW_PRODUCTS
from services.optimizer.moments import product_moments
from services.optimizer.objective import MeanVarianceUtility, Objective
from services.optimizer.problem import Bound, Limits, Problem
from services.optimizer.quadratic import QuadraticTemplate, quadratic_shape
from services.optimizer.reduced_map import QuadraticShape
from services.optimizer.refine import refined
from services.optimizer.solve import Solver
from services.optimizer.standard_form import StandardForm, standard_form
from services.optimizer.template import PRODUCT_STEPS, Shape, Template, shape_of
from shared.errors import SolutionRefused
from tests.unit.optimizer.builders import group, kb_market, kb_products

MARKET = kb_market()
PRODUCTS = kb_products("US")
BOLD = MeanVarianceUtility(3.0)


def _form(limits: Limits, count: int = 20, objective: Objective = BOLD) -> StandardForm:
    twins = (replace(each, id=f"{each.id}-twin") for each in PRODUCTS)
    problem = Problem("USD", (*PRODUCTS, *twins)[:count], limits, {PRODUCTS[0].id: 1.0})
    return standard_form(problem, product_moments(problem.products, "USD", MARKET), objective)


LIMITS = [
    Limits({PRODUCTS[1].id: Bound(0.1, 0.3)}, (group("some", [p.id for p in PRODUCTS[:6]], 0.2, 0.5),)),
    Limits(max_turnover=0.5),
    Limits(
        {PRODUCTS[1].id: Bound(0.1, 0.1), PRODUCTS[2].id: Bound(maximum=0.0)}, max_turnover=0.6, max_volatility=0.08
    ),
]


@pytest.mark.parametrize("limits", LIMITS)
def test_solvers_of_the_chain_agree(limits: Limits) -> None:
    form = _form(limits)
    names = ["CLARABEL", "SCS"] if form.max_volatility else ["PIQP", "CLARABEL", "SCS"]

    weights = []
    for name in names:
        _, solution = Template(shape_of(form)).solve(form, name, solve.OPTIONS[name])
        assert solution is not None
        weights.append(solution.weights)

    # SCS is a first-order method: four digits are what it reaches in its steps.
    assert all(each == pytest.approx(weights[0], abs=1e-3) for each in weights)


@pytest.mark.parametrize("limits", LIMITS)
def test_the_same_request_gives_the_same_weights_whatever_came_before(limits: Limits) -> None:
    fresh = Solver().solve(_form(limits))
    used = Solver()
    for other in (Limits(max_volatility=0.05), Limits(max_turnover=0.9), Limits({PRODUCTS[3].id: Bound(0.4)})):
        for aversion in (1.0, 50.0):
            used.solve(_form(other, objective=MeanVarianceUtility(aversion)))

    again = used.solve(_form(limits))

    assert fresh is not None
    assert again is not None
    assert again.solution.weights == pytest.approx(fresh.solution.weights, abs=1e-9)


def test_padding_to_a_larger_shape_changes_no_weight() -> None:
    form = _form(LIMITS[2])
    shape = shape_of(form)
    larger = Shape(shape.products * 2, shape.factors, shape.rows * 4, shape.has_purchases, shape.has_volatility)

    tight, wide = (Template(each).solve(form, "CLARABEL", solve.OPTIONS["CLARABEL"])[1] for each in (shape, larger))

    assert tight is not None
    assert wide is not None
    assert wide.weights == pytest.approx(tight.weights, abs=1e-6)


@pytest.mark.parametrize("limits", LIMITS[:2])
def test_padding_of_the_compiled_map_changes_no_weight(limits: Limits) -> None:
    form = _form(limits)
    shape = quadratic_shape(form)
    larger = QuadraticShape(shape.products * 2, shape.factors, shape.rows * 4)

    tight, wide = (QuadraticTemplate(each).solve(form, solve.OPTIONS["PIQP"])[1] for each in (shape, larger))

    assert tight is not None
    assert wide is not None
    assert wide.weights == pytest.approx(tight.weights, abs=1e-9)


@pytest.mark.parametrize("held", [{}, {0: 1.0}, {1: 0.05, 2: 0.1, 3: 0.4, 4: 0.3}, dict.fromkeys(range(20), 0.05)])
def test_the_compiled_map_and_cvxpy_agree_whatever_is_held(held: dict[int, float]) -> None:
    # Products 1 to 3 can only be bought, only be sold, and neither: each takes another place in the map.
    bounds = {PRODUCTS[1].id: Bound(0.05, 0.3), PRODUCTS[2].id: Bound(0.0, 0.1), PRODUCTS[3].id: Bound(0.1, 0.1)}
    current = {PRODUCTS[i].id: weight for i, weight in held.items()}
    problem = Problem("USD", PRODUCTS[:20], Limits(bounds, max_turnover=0.7 if held else 0.999), current)
    form = standard_form(problem, product_moments(problem.products, "USD", MARKET), BOLD)

    _, ours = QuadraticTemplate(quadratic_shape(form)).solve(form, solve.OPTIONS["PIQP"])
    _, theirs = Template(shape_of(form)).solve(form, "CLARABEL", solve.OPTIONS["CLARABEL"])

    assert (ours is None) == (theirs is None)
    if ours is not None and theirs is not None:
        assert ours.weights == pytest.approx(theirs.weights, abs=1e-6)
        assert ours.turnover == pytest.approx(theirs.turnover, abs=1e-5)


def test_elimination_and_dense_system_sharpen_to_the_same_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    form = _form(LIMITS[1])
    _, rough = QuadraticTemplate(quadratic_shape(form)).solve(form, solve.OPTIONS["PIQP"])
    assert rough is not None
    eliminated = refined(form, rough)
    monkeypatch.setattr("services.optimizer.refine.solved", lambda *_: None)

    dense = refined(form, rough)

    assert eliminated is not None
    assert dense is not None
    assert eliminated.weights == pytest.approx(dense.weights, abs=1e-12)
    assert eliminated.turnover == pytest.approx(dense.turnover, abs=1e-10)


def test_a_problem_too_large_to_compile_is_built_for_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = Solver().solve(_form(LIMITS[2]))
    monkeypatch.setattr("services.optimizer.template._LARGEST_COMPILED_CONE", 8)

    built = Solver().solve(_form(LIMITS[2]))

    assert compiled is not None
    assert built is not None
    assert built.solution.weights == pytest.approx(compiled.solution.weights, abs=1e-9)


def test_a_solver_that_stops_too_early_is_followed_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(solve.OPTIONS, "PIQP", {"max_iter": 1})

    optimum = Solver().solve(_form(LIMITS[0]))

    assert optimum is not None
    assert optimum.certificate.solver == "CLARABEL"


def test_without_a_certified_solution_there_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solve, "TOLERANCE", 0.0)

    with pytest.raises(SolutionRefused, match="no solver reached residuals"):
        Solver().solve(_form(LIMITS[2]))


def test_a_solver_that_calls_a_feasible_problem_infeasible_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:

    def wrong(form: StandardForm, options: dict[str, Any]) -> Any:
        return "infeasible", None

    monkeypatch.setattr(solve, "dense_optimum", wrong)

    optimum = Solver().solve(_form(LIMITS[0]), lambda: False)

    assert optimum is not None
    assert optimum.certificate.solver == "CLARABEL"


def test_compiled_problems_are_bounded_and_the_least_recently_used_leaves() -> None:
    solver = Solver(capacity=2)
    for count in (48, 64, 48, 96):
        solver.solve(_form(Limits(), count))

    kept = {key.products for key in solver._templates if isinstance(key, QuadraticShape)}

    assert kept == {48, 96}


def test_what_is_compiled_ahead_is_what_requests_use() -> None:
    solver = Solver()
    form = _form(LIMITS[1], FEW_PRODUCTS + 1)
    solver.prepare(shape_of(form), "PIQP")
    (template,) = solver._templates.values()

    solver.solve(form)

    assert list(solver._templates.values()) == [template]


def test_nothing_is_compiled_for_few_products() -> None:
    solver = Solver()
    form = _form(LIMITS[1], FEW_PRODUCTS)
    solver.prepare(shape_of(form), "PIQP")

    optimum = solver.solve(form)

    assert optimum is not None
    assert optimum.certificate.solver == "PIQP"
    assert not solver._templates


def test_shapes_cover_the_largest_request() -> None:
    assert PRODUCT_STEPS[-1] >= 1_000


def test_sharpening_removes_what_an_early_stop_left() -> None:
    form = _form(LIMITS[0])
    options = solve.OPTIONS["CLARABEL"] | {"tol_gap_abs": 1e-5, "tol_gap_rel": 1e-5, "tol_feas": 1e-5}
    _, rough = Template(shape_of(form)).solve(form, "CLARABEL", options)
    exact = Solver().solve(form)
    assert rough is not None
    assert exact is not None

    sharp = refined(form, rough)

    assert sharp is not None
    assert np.abs(rough.weights - exact.solution.weights).max() > 1e-7
    assert sharp.weights == pytest.approx(exact.solution.weights, abs=1e-10)
