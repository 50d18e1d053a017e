"""A problem given its positions: the chosen products between their bounds, the others out, no limit on the number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from services.optimizer.answers import BindingLimit
from services.optimizer.positions.conflicts import MAX_POSITIONS, MIN_POSITION
from services.optimizer.problem import Bound, Problem

Support = tuple[int, ...]


def given_positions(problem: Problem, support: Support) -> Problem:
    """Return the convex problem over the products at these places."""
    limits, limit = problem.limits, problem.limits.positions
    if limit is None:
        return problem
    held = {problem.products[place].id for place in support}
    bounds = dict(limits.products)
    for name in held:
        own = bounds.get(name, Bound())
        bounds[name] = replace(own, minimum=max(own.minimum or 0.0, limit.min_position))
    out = frozenset(product.id for product in problem.products) - held
    return replace(problem, limits=replace(limits, products=bounds, excluded=out, positions=None))


def binding_given(
    problem: Problem, found: Iterable[BindingLimit], worth_of_one_more: float | None
) -> tuple[BindingLimit, ...]:
    """Return the binding limits of the problem given its positions in the names of the request.

    worth_of_one_more: what the objective gains by one position more; None where the number is not used up.
    """
    limit = problem.limits.positions
    if limit is None:
        return tuple(found)
    smallest, kept = 0.0, []
    for each in found:
        if each.field.startswith("limits.excluded_product_ids["):
            continue
        if _is_smallest_position(problem, each.field, limit.min_position):
            smallest += each.shadow_price
        else:
            kept.append(each)
    if smallest > 0.0:
        kept.append(BindingLimit(MIN_POSITION, limit.min_position, smallest))
    if worth_of_one_more is not None:
        kept.append(BindingLimit(MAX_POSITIONS, float(limit.max_positions), worth_of_one_more))
    return tuple(sorted(kept, key=lambda each: (-each.shadow_price, each.field)))


def _is_smallest_position(problem: Problem, field: str, least: float) -> bool:
    if not (field.startswith("limits.products[") and field.endswith("].min_weight")):
        return False
    own = problem.limits.products.get(field.removeprefix("limits.products[").removesuffix("].min_weight"), Bound())
    return (own.minimum or 0.0) < least
