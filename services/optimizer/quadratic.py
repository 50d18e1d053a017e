"""Problems without a cone, in the places of a compiled map, and PIQP's answer brought back.

Purchases are variables only for products that may be bought as well as sold; those come first. A product whose
current weight is at most its lower bound can only be bought: its purchase is w - c. One at its upper bound can only
be sold. So the solver sees 20 purchases for a client who holds 20 of 1,000 products.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from services.optimizer.certificate import coefficients
from services.optimizer.constraints import limits_of
from services.optimizer.moments import Matrix, Vector
from services.optimizer.reduced_map import Numbers, QuadraticShape, ReducedMap
from services.optimizer.standard_form import Solution, StandardForm
from services.optimizer.template import PRODUCT_STEPS, ROW_STEPS, padded

_STATUS = {"PIQP_SOLVED": "optimal", "PIQP_PRIMAL_INFEASIBLE": "infeasible", "PIQP_DUAL_INFEASIBLE": "unbounded"}


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
        order = _Order(form, self.shape.products)
        result = self._map.solve(_numbers(form, self.shape, order), options)
        status = result.info.status.name
        if status != "PIQP_SOLVED":
            return _STATUS.get(status, status.lower()), None
        return "optimal", self._solution(form, order, result)

    def _solution(self, form: StandardForm, order: _Order, result: Any) -> Solution:
        m, free = len(form.rows), order.free
        inequalities = result.z_u
        turnover = float(inequalities[m]) if form.has_purchases else 0.0
        purchases = np.where(order.buys, turnover + form.goal.purchase_cost, 0.0)
        purchases[order.both] = inequalities[m + 1 :]
        matrix = coefficients(form.rows, len(free))
        return Solution(
            weights=np.where(free, order.back(result.x), form.lower),
            budget=float(result.y[0]),
            lower=np.where(free, order.back(result.z_bl), 0.0),
            upper=np.where(free, order.back(result.z_bu), 0.0),
            # A row over constants alone is kept or not, whatever the weights: its multiplier means nothing.
            rows=inequalities[:m] * (np.abs(matrix) @ free > 0.0),
            purchases=purchases,
            turnover=turnover,
            volatility=0.0,
        )


class _Order:
    """The places of products in the template: those that may be bought as well as sold first, then the others.

    free, buys: (n,) in the order of the form; `buys` is what can only be bought.  both: which go both ways.
    """

    def __init__(self, form: StandardForm, places: int) -> None:
        self.free = form.is_free
        held = self.free & (form.lower < form.current) & form.has_purchases
        is_both = held & (form.current < form.upper)
        self.both = np.flatnonzero(is_both)
        self.buys = self.free & (form.current <= form.lower) & form.has_purchases
        self._by_place = np.concatenate([self.both, np.flatnonzero(~is_both)])
        self._places = places

    def places(self, values: Vector, padding: float) -> Vector:
        """Return the values of free products in their places, (products,), and `padding` elsewhere."""
        placed = np.full(self._places, padding)
        placed[: len(values)] = np.where(self.free, values, padding)[self._by_place]
        return placed

    def columns(self, matrix: Matrix, height: int) -> Matrix:
        """Return the columns of free products in their places, zeros elsewhere, (height, products)."""
        placed = np.zeros((height, self._places))
        placed[: len(matrix), : len(self.free)] = (matrix * self.free)[:, self._by_place]
        return placed

    def back(self, placed: Vector) -> Vector:
        """Return the values by product, (n,)."""
        values = np.empty(len(self.free))
        values[self._by_place] = placed[: len(self.free)]
        return values


def _numbers(form: StandardForm, shape: QuadraticShape, order: _Order) -> Numbers:
    free, goal = order.free, form.goal
    fixed = np.where(free, 0.0, form.lower)
    rows = coefficients(form.rows, len(free))
    # Factors are scaled so that their squares count once, whatever the price of variance.
    root = np.sqrt(goal.quadratic) * form.root.T
    # Without a turnover limit its row is empty.
    left = 1.0
    if form.max_turnover is not None:
        left = form.max_turnover - np.maximum(fixed - form.current, 0.0)[~free].sum() + form.current[order.buys].sum()
    return Numbers(
        # Padding has a parabola of its own and no bounds: it stays at zero and the solver does not notice it.
        curvature=order.places(goal.quadratic * form.specific**2, 1.0),
        lower=order.places(form.lower, -np.inf),
        upper=order.places(form.upper, np.inf),
        linear=order.places(goal.linear - goal.purchase_cost * order.buys, 0.0),
        free=order.places(np.ones(len(free)), 0.0),
        budget=1.0 - float(fixed.sum()),
        root=order.columns(root, shape.factors),
        common_fixed=-(root @ fixed),
        rows=order.columns(rows, shape.rows),
        limits=limits_of(form.rows) - rows @ fixed,
        bought=order.places(order.buys.astype(float), 0.0),
        max_turnover=left,
        purchase_cost=goal.purchase_cost,
        current=form.current[order.both],
    )
