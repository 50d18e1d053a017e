"""The limits of a request as rows of numbers, each with the name of its field.

Turnover is the share of the portfolio's value that is bought. With uninvested cash as one more position that
goes to zero, this is half the sum of absolute differences to the current weights: a portfolio that is all cash
has turnover one whatever is bought, and no limit below the uninvested share can be kept.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from services.optimizer.moments import CASH_CLASS, Matrix, Vector
from services.optimizer.problem import Bound, Group, Problem, Product

MAX_TURNOVER = "limits.max_turnover"
TARGET_RETURN = "objective.target_return.min_expected_return_net"
MIN_CASH = "limits.min_cash"
MAX_RISK_LEVEL_SCORE = "limits.max_risk_level_score"
MAX_LIQUIDITY_DAYS = "limits.max_liquidity_days"
# What a product says of itself to count as cash where its asset class is a word of the caller's own.
CASH_FLAG = "cash"
_OUT_OF_REACH = 2.0
_NO_BOUND = Bound()
# Groups times products above this, a megabyte of rows, are worked out anew each time.
_LARGEST_KEPT = 65_536
_Said = tuple[Iterable[Hashable], ...]
# What a group may name products by, and what of it a product says of itself.
_NAMED_BY: dict[str, Callable[[Product], Iterable[Hashable]]] = {
    "asset_classes": lambda product: (product.asset_class,),
    "product_ids": lambda product: (product.id,),
    "currencies": lambda product: (product.currency,),
    "issuers": lambda product: (product.issuer,),
    "regions": lambda product: (product.region,),
    "risk_levels": lambda product: (product.risk_level,),
    "flags": lambda product: product.flags,
}


@dataclass(frozen=True, eq=False)
class Row:
    """One linear limit: coefficients' w <= limit. A lower bound is a row with both sides negated.

    product: position of the product where the limit is on a single one.
    unit, offset: the bound as the request states it is the one of the row times `unit` plus `offset`; rows are
    brought to the scale of weights so that limits in days or in returns are judged like the others.
    """

    field: str
    coefficients: Vector
    limit: float
    is_lower: bool = False
    product: int | None = None
    unit: float = 1.0
    offset: float = 0.0

    @property
    def bound(self) -> float:
        """The bound as the request states it."""
        return self.stated(self.limit)

    def stated(self, limit: float) -> float:
        """Return the bound that the request would state for this limit of the row."""
        return (-limit if self.is_lower else limit) * self.unit + self.offset


def product_rows(problem: Problem) -> list[Row]:
    """Return the limits on single products that say more than 0 to 1."""
    count = len(problem.products)
    rows = []
    for position, product in enumerate(problem.products):
        bound = problem.limits.products.get(product.id)
        if bound is not None:
            unit = np.zeros(count)
            unit[position] = 1.0
            rows += _rows(f"limits.products[{product.id}]", unit, bound, position)
        if product.id in problem.limits.excluded:
            rows.append(Row(excluded_field(product.id), np.eye(count)[position], 0.0, product=position))
    return rows


def excluded_field(product_id: str) -> str:
    """Return the name of the exclusion of a product."""
    return f"limits.excluded_product_ids[{product_id}]"


def shared_rows(problem: Problem) -> list[Row]:
    """Return the linear limits on more than one product, turnover apart."""
    return [*group_rows(problem), *_aggregate_rows(problem)]


def group_rows(problem: Problem) -> tuple[Row, ...]:
    """Return the limits on groups that say more than 0 to 1; an upper one on no products says nothing.

    Clients of one house share products and groups: the rows of the last few are kept, by content, never to be changed.
    """
    groups, products = problem.limits.groups, problem.products
    said = tuple(
        tuple(map(said_of, products)) if any(getattr(group, names) for group in groups) else ()
        for names, said_of in _NAMED_BY.items()
    )
    if len(groups) * len(products) > _LARGEST_KEPT:
        return _rows_of_groups.__wrapped__(groups, said, len(products))
    return _rows_of_groups(groups, said, len(products))


@lru_cache(maxsize=16)
def _rows_of_groups(groups: tuple[Group, ...], said: tuple[_Said, ...], count: int) -> tuple[Row, ...]:
    rows = []
    for group, members in zip(groups, membership(groups, said, count), strict=True):
        bound = group.bound if members.any() else replace(group.bound, maximum=None)
        rows += _rows(f"limits.groups[{group.name}]", members, bound)
    for row in rows:
        row.coefficients.setflags(write=False)
    return tuple(rows)


def membership(groups: Sequence[Group], said: Sequence[_Said], count: int) -> Matrix:
    """Return one where a product belongs to a group and zero elsewhere, (groups, count), as `Group.holds` says.

    said: what the products say of themselves, in the order of `_NAMED_BY`.
    """
    members = np.zeros((len(groups), count))
    for names, of_products in zip(_NAMED_BY, said, strict=True):
        places = _places(of_products)
        for row, group in zip(members, groups, strict=True):
            row[[place for name in getattr(group, names) for place in places.get(name, ())]] = 1.0
    return members


def _places(said: Iterable[Iterable[Hashable]]) -> dict[Hashable, list[int]]:
    """Return by name the positions of those of which it is said."""
    places: dict[Hashable, list[int]] = {}
    for position, names in enumerate(said):
        for name in names:
            places.setdefault(name, []).append(position)
    return places


def weight_bounds(problem: Problem) -> tuple[Vector, Vector]:
    """Return the smallest and the largest weight of each product, (n,) both.

    Weights that are never negative and sum to one are at most one anyway. A bound that says so again would share
    the multiplier of limits that the request did make, so there the largest weight is out of reach.
    """
    limits, count = problem.limits, len(problem.products)
    lower, upper = [0.0] * count, [_OUT_OF_REACH] * count
    for position, product in enumerate(problem.products):
        bound = limits.products.get(product.id, _NO_BOUND)
        lower[position] = bound.minimum or 0.0
        if product.id in limits.excluded:
            upper[position] = 0.0
        elif bound.maximum is not None and bound.maximum != 1.0:
            upper[position] = bound.maximum
    return np.array(lower), np.array(upper)


def is_cash(product: Product, base_currency: str) -> bool:
    """Return whether the product is cash to a client who counts in `base_currency`.

    Cash of another currency moves with that currency and is none.
    """
    if product.asset_class == CASH_CLASS[base_currency]:
        return True
    return CASH_FLAG in product.flags and product.currency in ("", base_currency)


def current_weights(problem: Problem) -> Vector:
    """Return what is held today, (n,); zeros where nothing is stated, which means all of it is cash."""
    held = problem.current or {}
    return np.array([held.get(product.id, 0.0) for product in problem.products])


def turnover(weights: Vector, current: Vector) -> float:
    """Return the share of the portfolio that is bought to get from `current` to `weights`, 0 to 1."""
    return float(np.maximum(weights - current, 0.0).sum())


def return_floor(expected: Vector, wanted: float, field: str = "expected_return") -> Row:
    """Return "expected return of at least `wanted`", with returns spread over -1 to 1 as weights are over 0 to 1."""
    centre, reach = 0.5 * (expected.max() + expected.min()), 0.5 * (expected.max() - expected.min()) or 1.0
    coefficients, limit = (centre - expected) / reach, float((centre - wanted) / reach)
    return Row(field, coefficients, limit, is_lower=True, unit=float(reach), offset=float(centre))


def matrix_of(rows: Sequence[Row], count: int) -> Matrix:
    """Return the coefficients, (rows, count), also for no rows."""
    return np.array([row.coefficients for row in rows]).reshape(len(rows), count)


def limits_of(rows: Sequence[Row]) -> Vector:
    """Return the right-hand sides, (rows,)."""
    return np.array([row.limit for row in rows])


def _aggregate_rows(problem: Problem) -> list[Row]:
    limits, products, rows = problem.limits, problem.products, []
    if limits.min_cash is not None and limits.min_cash > 0.0:
        cash = np.array([float(is_cash(product, problem.base_currency)) for product in products])
        rows.append(Row(MIN_CASH, -cash, -limits.min_cash, is_lower=True))
    if limits.max_risk_level_score is not None:
        levels = np.array([float(product.risk_level or 0) for product in products])
        rows.append(_mean_row(MAX_RISK_LEVEL_SCORE, levels, limits.max_risk_level_score))
    if limits.max_liquidity_days is not None:
        days = np.array([product.liquidity_days or 0.0 for product in products])
        rows.append(_mean_row(MAX_LIQUIDITY_DAYS, days, limits.max_liquidity_days))
    return rows


def _mean_row(field: str, values: Vector, limit: float) -> Row:
    unit = float(values.max()) or 1.0
    return Row(field, values / unit, limit / unit, unit=unit)


def _rows(field: str, members: Vector, bound: Bound, product: int | None = None) -> list[Row]:
    rows = []
    if bound.minimum is not None and bound.minimum > 0.0:
        rows.append(Row(f"{field}.min_weight", -members, -bound.minimum, True, product))
    if bound.maximum is not None and bound.maximum < 1.0:
        rows.append(Row(f"{field}.max_weight", members, bound.maximum, False, product))
    return rows
