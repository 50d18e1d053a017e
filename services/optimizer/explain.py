"""The limits that hold an optimum back, with what one unit more of each is worth."""

from __future__ import annotations

from collections.abc import Iterator

from services.optimizer.answers import BindingLimit
from services.optimizer.constraints import MAX_TURNOVER, MAX_VOLATILITY
from services.optimizer.problem import Bound, Problem
from services.optimizer.solve import Optimum

# A multiplier below this, on the scaled problem, cannot be told from the solver's rounding.
_SMALLEST_MULTIPLIER = 1e-5


def binding_limits(problem: Problem, optimum: Optimum) -> tuple[BindingLimit, ...]:
    """Return the binding limits, the dearest first; being invested fully and never short are not among them."""
    found = [
        BindingLimit(field, bound, multiplier * optimum.form.goal.price)
        for field, bound, multiplier in _multipliers(problem, optimum)
        if multiplier * _unit(field, optimum) > _SMALLEST_MULTIPLIER
    ]
    return tuple(sorted(found, key=lambda limit: (-limit.shadow_price, limit.field)))


def _multipliers(problem: Problem, optimum: Optimum) -> Iterator[tuple[str, float, float]]:
    """Yield field, bound and scaled multiplier of every limit of the request."""
    form, solution = optimum.form, optimum.solution
    for position, product in enumerate(problem.products):
        bound = problem.limits.products.get(product.id, Bound())
        field = f"limits.products[{product.id}]"
        if bound.minimum:
            yield f"{field}.min_weight", bound.minimum, float(solution.lower[position])
        if bound.maximum is not None:
            yield f"{field}.max_weight", bound.maximum, float(solution.upper[position])
    for row, multiplier in zip(form.rows, solution.rows, strict=True):
        yield row.field, row.bound, float(multiplier)
    if form.max_turnover is not None:
        yield MAX_TURNOVER, form.max_turnover, solution.turnover
    if problem.limits.max_volatility is not None:
        yield MAX_VOLATILITY, problem.limits.max_volatility, solution.volatility / form.scale


def _unit(field: str, optimum: Optimum) -> float:
    """Return the size of one scaled unit of a limit, so that all are judged alike."""
    return optimum.form.scale if field == MAX_VOLATILITY else 1.0
