"""Problems without a cone, in the places of a compiled map, and PIQP's answer brought back.

Purchases are variables only for products that may be bought as well as sold; those come first. A product whose
current weight is at most its lower bound can only be bought: its purchase is w - c. One at its upper bound can only
be sold. So the solver sees 20 purchases for a client who holds 20 of 1,000 products.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from services.optimizer.dense_quadratic import STATUS
from services.optimizer.moments import Matrix, Vector
from services.optimizer.reduced_map import Numbers, QuadraticShape, ReducedMap
from services.optimizer.sides import Sides, purchases_left, sides_of
from services.optimizer.standard_form import Solution, StandardForm
from services.optimizer.template import PRODUCT_STEPS, ROW_STEPS, padded

# Curvature, bounds, linear cost, and the shares in budget and purchases of a place without a free product: it has a
# parabola of its own and no bounds, so it stays at zero and the solver does not notice it.
_PADDING = np.array([[1.0], [-np.inf], [np.inf], [0.0], [0.0], [0.0]])


def quadratic_shape(form: StandardForm) -> QuadraticShape:
    """Return the smallest shape that holds the problem."""
    count, factors = form.root.shape
    return QuadraticShape(padded(count, PRODUCT_STEPS), factors, padded(len(form.rows), ROW_STEPS))


class QuadraticTemplate:
    """One compiled problem, which starts cold every time. Not thread-safe: it belongs to one worker."""

    def __init__(self, shape: QuadraticShape) -> None:
        self.shape = shape
        self._map = ReducedMap(shape)

    def solve(self, form: StandardForm, options: dict[str, Any]) -> tuple[str, Solution | None]:
        """Return PIQP's status and, where it claims an optimum, the solution."""
        order = _Order(sides_of(form), self.shape.products)
        result = self._map.solve(_numbers(form, self.shape, order), options)
        status = result.info.status.name
        if status != "PIQP_SOLVED":
            return STATUS.get(status, status.lower()), None
        return "optimal", self._solution(form, order, result)

    def _solution(self, form: StandardForm, order: _Order, result: Any) -> Solution:
        m, inequalities = len(form.rows), result.z_u
        turnover = float(inequalities[m]) if form.has_purchases else 0.0
        sides = order.sides
        purchases = sides.buys * (turnover + form.goal.purchase_cost)
        purchases[sides.both] = inequalities[m + 1 :]
        weights, lower, upper = order.back(result.x, result.z_bl, result.z_bu)
        return Solution(
            weights=np.where(sides.free, weights, form.lower),
            budget=float(result.y[0]),
            lower=lower,
            upper=upper,
            rows=inequalities[:m] * form.has_moving,
            purchases=purchases,
            turnover=turnover,
            volatility=0.0,
        )


class _Order:
    """The places of products in the template: those that may be bought as well as sold first, then the others."""

    def __init__(self, sides: Sides, places: int) -> None:
        self.sides = sides
        self._free = sides.free
        self._by_place = np.concatenate([sides.both, (~sides.is_both).nonzero()[0]])
        self._places = places

    def places(self, values: Matrix, padding: Vector) -> Matrix:
        """Return values of free products in their places, from (kinds, n) to (kinds, products), padding elsewhere.

        padding: (kinds, 1).
        """
        placed = np.empty((len(values), self._places))
        placed[...] = padding
        placed[:, : len(self._free)] = np.where(self._free, values, padding).take(self._by_place, axis=1)
        return placed

    def columns(self, *matrices: Matrix, height: int) -> Matrix:
        """Return the columns of free products in their places, zeros elsewhere, (height, products), one below other."""
        placed = np.zeros((height, self._places))
        stacked = np.concatenate(matrices) * self._free
        placed[: len(stacked), : len(self._free)] = stacked.take(self._by_place, axis=1)
        return placed

    def back(self, *placed: Vector) -> Matrix:
        """Return each kind of values by product, (kinds, n), zero for those that are not free."""
        count = len(self._free)
        values = np.empty((len(placed), count))
        values[:, self._by_place] = [kind[:count] for kind in placed]
        return np.asarray(values * self._free)


def _numbers(form: StandardForm, shape: QuadraticShape, order: _Order) -> Numbers:
    free, goal, buys = order.sides.free, form.goal, order.sides.buys
    fixed = np.where(free, 0.0, form.lower)
    # Factors are scaled so that their squares count once, whatever the price of variance.
    root = math.sqrt(goal.quadratic) * form.root.T
    linear = goal.linear - goal.purchase_cost * buys
    products = order.columns(root, form.row_matrix, height=shape.factors + shape.rows)
    kinds = np.array([goal.quadratic * form.specific_variances, form.lower, form.upper, linear, free, buys])
    curvature, lower, upper, linear, is_free, bought = order.places(kinds, _PADDING)
    return Numbers(
        curvature=curvature,
        lower=lower,
        upper=upper,
        linear=linear,
        free=is_free,
        budget=1.0 - float(fixed.sum()),
        root=products[: shape.factors],
        common_fixed=-(root @ fixed),
        rows=products[shape.factors :],
        limits=form.row_limits - form.row_matrix @ fixed,
        bought=bought,
        max_turnover=purchases_left(form, order.sides),
        purchase_cost=goal.purchase_cost,
        current=form.current[order.sides.both],
    )
