"""A dense covariance, or few products: PIQP's dense interface finds what the compiled map in factor form finds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from services.optimizer.dense_quadratic import FEW_PRODUCTS, dense_optimum, is_dense
from services.optimizer.moments import Moments
from services.optimizer.objective import MeanVarianceUtility, MinimumVariance, Objective
from services.optimizer.problem import Bound, Limits, Problem
from services.optimizer.quadratic import QuadraticTemplate, quadratic_shape
from services.optimizer.solve import OPTIONS
from services.optimizer.standard_form import StandardForm, standard_form
from tests.unit.optimizer.builders import SOLVER, group, products

COUNT, MANY = 12, FEW_PRODUCTS + 1
# Some held, some not; two that are fixed, one of them bought, one sold.
CURRENT = {"p0": 0.3, "p1": 0.2, "p2": 0.2, "p3": 0.1, "p4": 0.1}
BOUNDS = {"p1": Bound(0.05, 0.05), "p5": Bound(0.1, 0.1), "p3": Bound(0.1, 0.6), "p4": Bound(0.0, 0.1)}
LIMITS = Limits(BOUNDS, (group("g", ["p6", "p7", "p8"], 0.15, 0.4), group("fixed", ["p5"], 0.0, 0.1)))


def _form(
    seed: int, objective: Objective, max_turnover: float | None, own: float = 0.0, count: int = COUNT
) -> StandardForm:
    draw = np.random.default_rng(seed)
    moments = Moments(
        expected=draw.uniform(0.02, 0.1, count),
        fees=np.zeros(count),
        root=0.1 * draw.normal(size=(count, count)),
        specific=np.full(count, own),
        cash_return=0.0,
    )
    limits = replace(LIMITS, max_turnover=max_turnover)
    return standard_form(Problem("USD", products(count), limits, CURRENT), moments, objective)


@pytest.mark.parametrize("own", [0.0, 0.15])
@pytest.mark.parametrize("max_turnover", [None, 0.35])
@pytest.mark.parametrize("objective", [MeanVarianceUtility(3.0), MinimumVariance()])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_finds_the_weights_and_multipliers_of_the_compiled_map(
    seed: int, objective: Objective, max_turnover: float | None, own: float
) -> None:
    form = _form(seed, objective, max_turnover, own)
    _, dense = dense_optimum(form, OPTIONS["PIQP"])
    _, mapped = QuadraticTemplate(quadratic_shape(form)).solve(form, OPTIONS["PIQP"])

    assert is_dense(form)
    assert dense is not None
    assert mapped is not None
    assert dense.weights == pytest.approx(mapped.weights, abs=1e-6)
    assert dense.rows == pytest.approx(mapped.rows, abs=1e-6)
    assert dense.turnover == pytest.approx(mapped.turnover, abs=1e-6)
    optimum = SOLVER.solve(form)
    assert optimum is not None
    assert optimum.certificate.solver == "PIQP"
    assert optimum.certificate.residuals.largest <= 1e-12


def test_limits_that_no_weights_keep_are_told() -> None:
    status, found = dense_optimum(_form(1, MinimumVariance(), 0.05), OPTIONS["PIQP"])

    assert (status, found) == ("infeasible", None)


def test_many_products_with_own_variances_or_few_factors_go_to_the_compiled_map() -> None:
    form = _form(1, MinimumVariance(), None, count=MANY)

    assert is_dense(form)
    assert not is_dense(_form(1, MinimumVariance(), None, own=0.1, count=MANY))
    assert not is_dense(replace(form, root=form.root[:, :5]))


@pytest.mark.parametrize("count", [COUNT, MANY])
def test_products_without_room_go_to_the_compiled_map(count: int) -> None:
    form = _form(1, MinimumVariance(), None, count=count)

    assert not is_dense(replace(form, lower=form.upper))
