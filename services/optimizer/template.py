"""The standard form in cvxpy: compiled once per shape, then only numbers move.

A request is padded to the next of a few shapes, so that few compilations serve all. A padded product has no part
in any limit and a parabola of its own in the objective: it stays at zero and touches nothing. A product whose
bounds meet is a constant and leaves the problem in the same way, because a variable without room to move has
multipliers without end, which spoil the accuracy of every solver.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cvxpy
import numpy as np

from services.optimizer.moments import Matrix, Vector
from services.optimizer.standard_form import Solution, StandardForm

PRODUCT_STEPS = (8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
ROW_STEPS = (8, 16, 32, 128, 512)
# cvxpy's own types leave out most of its functions.
cp: Any = cvxpy

# With a cone, cvxpy 1.9 spreads a compiled problem over products x parameters columns: 0.06 s and a few megabytes
# at 64 products, 3 s and 800 MB at 512. Larger ones are built from constants for each request (0.1 s at 512).
_LARGEST_COMPILED_CONE = 128


@dataclass(frozen=True)
class Shape:
    """What decides the compiled problem: padded numbers of products and rows, factors, and the optional parts."""

    products: int
    factors: int
    rows: int
    has_purchases: bool
    has_volatility: bool

    @property
    def is_compiled(self) -> bool:
        """Whether the numbers are parameters, so that the compiled problem serves other requests."""
        return not self.has_volatility or self.products <= _LARGEST_COMPILED_CONE


def shape_of(form: StandardForm) -> Shape:
    """Return the smallest shape that holds the problem."""
    count, factors = form.root.shape
    return Shape(
        padded(count, PRODUCT_STEPS),
        factors,
        padded(len(form.rows), ROW_STEPS),
        form.has_purchases,
        form.max_volatility is not None,
    )


class Template:
    """One compiled problem. Not thread-safe: it belongs to one worker."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self._parameters: dict[str, Any] = {}
        if shape.is_compiled:
            self._build(self._parameter)

    def prepare(self, solver: str) -> None:
        """Compile now what `solve` would compile when first called."""
        if self.shape.is_compiled:
            for parameter in self._parameters.values():
                parameter.value = np.zeros(parameter.shape)
            self._problem.get_problem_data(solver)

    def solve(self, form: StandardForm, solver: str, options: dict[str, Any]) -> tuple[str, Solution | None]:
        """Return the solver's status and, where it claims an optimum, the solution. Starts cold every time.

        Raises cvxpy.SolverError where the solver breaks down.
        """
        numbers = _padded_numbers(form, self.shape)
        if self.shape.is_compiled:
            for name, parameter in self._parameters.items():
                parameter.value = numbers[name]
        else:
            self._build(lambda name, _shape, _sign: cp.Constant(numbers[name]))
        with warnings.catch_warnings():
            # "May be inaccurate" is for the certificate to decide.
            warnings.simplefilter("ignore")
            self._problem.solve(solver=solver, warm_start=False, **options)
        status = str(self._problem.status)
        return status, self._solution(form) if status.startswith("optimal") else None

    def _parameter(self, name: str, shape: tuple[int, ...], is_nonnegative: bool) -> Any:
        parameter = cp.Parameter(shape, name=name, nonneg=is_nonnegative)
        self._parameters[name] = parameter
        return parameter

    def _build(self, number: Callable[[str, tuple[int, ...], bool], Any]) -> None:
        n, k, m = self.shape.products, self.shape.factors, self.shape.rows
        w, common, specific = cp.Variable(n), cp.Variable(k), cp.Variable(n)
        self._w = w
        free = number("free", (n,), False)
        self._limits = {
            "budget": free @ w == number("budget", (), False),
            "lower": w >= number("lower", (n,), False),
            "upper": w <= number("upper", (n,), False),
            "rows": number("rows", (m, n), False) @ w <= number("limits", (m,), False),
            "common": common == number("root", (k, n), False) @ w + number("common_fixed", (k,), False),
            "specific": specific == cp.multiply(number("deviations", (n,), False), w),
        }
        variance = cp.sum_squares(common) + cp.sum_squares(specific)
        cost = 0.5 * number("quadratic", (), True) * variance - number("linear", (n,), False) @ w
        cost += 0.5 * cp.sum_squares(cp.multiply(number("padding", (n,), False), w))
        if self.shape.has_purchases:
            cost += self._add_purchases(cp.multiply(free, w), number)
        if self.shape.has_volatility:
            cone = cp.hstack([common, specific, number("specific_fixed", (), False)])
            self._limits["volatility"] = cp.norm(cone) <= number("max_volatility", (), True)
        self._problem = cp.Problem(cp.Minimize(cost), list(self._limits.values()))
        if not self._problem.is_dcp(dpp=True):
            raise AssertionError("the template breaks cvxpy's rules for parametrised problems")

    def _add_purchases(self, weights: Any, number: Callable[[str, tuple[int, ...], bool], Any]) -> Any:
        n = self.shape.products
        purchases = cp.Variable(n)
        held = number("current", (n,), False)
        self._limits["no_sales"] = purchases >= 0
        self._limits["purchases"] = purchases >= weights - held
        self._limits["turnover"] = cp.sum(purchases) <= number("max_turnover", (), False)
        return number("purchase_cost", (), True) * cp.sum(purchases)

    def _solution(self, form: StandardForm) -> Solution:
        count, rows = len(form.lower), len(form.rows)
        free = form.is_free
        weights = np.where(free, self._w.value[:count], form.lower)
        return Solution(
            weights=weights,
            budget=float(self._dual("budget")),
            lower=np.where(free, self._dual("lower")[:count], 0.0),
            upper=np.where(free, self._dual("upper")[:count], 0.0),
            rows=self._dual("rows")[:rows] * form.has_moving,
            purchases=self._dual("purchases")[:count] if form.has_purchases else np.zeros(count),
            turnover=float(self._dual("turnover")) if form.has_purchases else 0.0,
            volatility=float(self._dual("volatility")) if form.max_volatility is not None else 0.0,
        )

    def _dual(self, name: str) -> Vector:
        return np.asarray(self._limits[name].dual_value, dtype=float)


def padded(count: int, steps: tuple[int, ...]) -> int:
    """Return the smallest step that holds the count, or the count itself beyond the last step."""
    return next((step for step in steps if step >= count), count)


def _padded_numbers(form: StandardForm, shape: Shape) -> dict[str, Any]:
    free = form.is_free
    fixed = np.where(free, 0.0, form.lower)
    spread = _Spread(shape, free)
    bought = np.maximum(fixed - form.current, 0.0)[~free].sum()
    return {
        "free": spread.products(np.ones(len(free)), 0.0),
        "padding": spread.products(np.zeros(len(free)), 1.0),
        "budget": 1.0 - fixed.sum(),
        "lower": spread.products(form.lower, -1.0),
        "upper": spread.products(form.upper, 1.0),
        "rows": spread.rows(form.row_matrix),
        "limits": spread.limits(form.row_limits - form.row_matrix @ fixed),
        "root": spread.factors(form.root),
        "common_fixed": form.root.T @ fixed,
        "deviations": spread.products(form.specific, 0.0),
        "specific_fixed": float(np.linalg.norm(form.specific * fixed)),
        "quadratic": form.goal.quadratic,
        "linear": spread.products(form.goal.linear, 0.0),
        "purchase_cost": form.goal.purchase_cost,
        "current": spread.products(form.current, 1.0),
        "max_turnover": (form.max_turnover or 0.0) - bought,
        "max_volatility": form.max_volatility or 0.0,
    }


@dataclass(frozen=True, eq=False)
class _Spread:
    """Puts the numbers of free products in their places of the padded shape."""

    shape: Shape
    free: np.ndarray

    def products(self, values: Vector, padding: float) -> Vector:
        padded = np.full(self.shape.products, padding)
        padded[: len(values)] = np.where(self.free, values, padding)
        return padded

    def rows(self, matrix: Matrix) -> Matrix:
        padded = np.zeros((self.shape.rows, self.shape.products))
        padded[: matrix.shape[0], : matrix.shape[1]] = matrix * self.free
        return padded

    def limits(self, values: Vector) -> Vector:
        padded = np.ones(self.shape.rows)
        padded[: len(values)] = values
        return padded

    def factors(self, root: Matrix) -> Matrix:
        padded = np.zeros((self.shape.factors, self.shape.products))
        padded[:, : len(root)] = (root * self.free[:, None]).T
        return padded
