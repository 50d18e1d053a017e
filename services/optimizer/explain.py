"""The limits that hold an optimum back, with what one unit more of each is worth, and why products are out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from services.optimizer.answers import BindingLimit, ReducedCost
from services.optimizer.certificate import sale_multipliers, volatility_of
from services.optimizer.constraints import MAX_TURNOVER, TARGET_RETURN, excluded_field
from services.optimizer.moments import Vector
from services.optimizer.objective import (
    MaximumSharpe,
    MeanCvarUtility,
    MeanVarianceUtility,
    TargetReturn,
    TargetVolatility,
    Wanted,
)
from services.optimizer.problem import Bound, Problem
from services.optimizer.solve import Optimum

# A multiplier below this, on the scaled problem, cannot be told from the solver's rounding.
_SMALLEST_MULTIPLIER = 1e-5
# A weight below this is none.
_OUT = 1e-9


def binding_limits(problem: Problem, optimum: Optimum) -> tuple[BindingLimit, ...]:
    """Return the binding limits, the dearest first; being invested fully and never short are not among them."""
    found: dict[str, BindingLimit] = {}
    for field, bound, multiplier, unit in _multipliers(problem, optimum):
        if multiplier > _SMALLEST_MULTIPLIER:
            # A limit on the worst outcomes is several rows; it is worth as much as they together.
            before = found[field].shadow_price if field in found else 0.0
            found[field] = BindingLimit(field, bound, before + multiplier * optimum.form.goal.price / unit)
    return dearest_first(found.values())


def dearest_first(limits: Iterable[BindingLimit]) -> tuple[BindingLimit, ...]:
    """Return the limits by falling shadow price."""
    return tuple(sorted(limits, key=lambda limit: (-limit.shadow_price, limit.field)))


def _multipliers(problem: Problem, optimum: Optimum) -> Iterator[tuple[str, float, float, float]]:
    """Yield field, bound, scaled multiplier and size of one scaled unit of the limits of the request.

    Products and rows whose multipliers are too small to tell are passed over.
    """
    form, solution = optimum.form, optimum.solution
    for position in _told(np.maximum(solution.lower, solution.upper)):
        product = problem.products[position]
        bound = problem.limits.products.get(product.id, Bound())
        field = f"limits.products[{product.id}]"
        is_excluded = product.id in problem.limits.excluded
        if is_excluded:
            yield excluded_field(product.id), 0.0, float(solution.upper[position]), 1.0
        if bound.minimum:
            yield f"{field}.min_weight", bound.minimum, float(solution.lower[position]), 1.0
        if bound.maximum is not None and not is_excluded:
            yield f"{field}.max_weight", bound.maximum, float(solution.upper[position]), 1.0
    for position in _told(solution.rows):
        row = form.rows[position]
        yield row.field, row.bound, float(solution.rows[position]), row.unit
    if form.max_turnover is not None:
        yield MAX_TURNOVER, form.max_turnover, solution.turnover, 1.0
    if problem.limits.max_volatility is not None:
        yield problem.limits.volatility_field, problem.limits.max_volatility, solution.volatility, form.scale


def _told(multipliers: Vector) -> list[int]:
    """Return the places of those that can be told from rounding."""
    return (multipliers > _SMALLEST_MULTIPLIER).nonzero()[0].tolist()


def reduced_costs(
    problem: Problem, objective: Wanted, weights: Vector, optimum: Optimum | None
) -> tuple[ReducedCost, ...]:
    """Return what the expected returns of products that are out lack, by product; none where returns do not count.

    A product that may not be held at all is left out: no return would bring it in.
    """
    price = None if optimum is None else _worth_of_return(objective, optimum)
    if optimum is None or price is None:
        return ()
    is_out = (weights <= _OUT) & (optimum.form.lower <= _OUT) & optimum.form.is_free
    places = is_out.nonzero()[0]
    missing = np.maximum(_entry_multipliers(optimum)[places], 0.0) / price
    return tuple(
        ReducedCost(problem.products[place].id, lacking)
        for place, lacking in zip(places.tolist(), missing.tolist(), strict=True)
    )


def _entry_multipliers(optimum: Optimum) -> Vector:
    """Return what keeps each product out, (n,): its bound and, where it is not held, the rest of a purchase's price.

    At a weight of zero that is also today's, the bound and the turnover limit share one multiplier in no certain way;
    what counts for coming in is their sum.
    """
    form, solution = optimum.form, optimum.solution
    if not form.has_purchases:
        return solution.lower
    return np.asarray(solution.lower + np.where(form.current <= _OUT, sale_multipliers(form, solution), 0.0))


def _worth_of_return(objective: Wanted, optimum: Optimum) -> float | None:
    """Return what a unit of expected return is worth in the scaled objective; None where nothing."""
    goal = optimum.form.goal
    match objective:
        case MeanVarianceUtility() | TargetVolatility() | MeanCvarUtility():
            return 1.0 / goal.price
        case MaximumSharpe():
            volatility = volatility_of(optimum.form, optimum.solution.weights) * optimum.form.scale
            return 1.0 / (goal.price * volatility)
        case TargetReturn():
            floors = zip(optimum.form.rows, optimum.solution.rows, strict=True)
            worth = sum(float(m) / row.unit for row, m in floors if row.field == TARGET_RETURN)
            return worth if worth > _SMALLEST_MULTIPLIER else None
        case _:
            return None
