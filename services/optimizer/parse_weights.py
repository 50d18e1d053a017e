"""Portfolios over the products of a request, such as a benchmark: messages to weights in the order of the products."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from fiducia.type.v1 import weight_pb2

from services.optimizer.checks import Checks
from services.optimizer.moments import Vector

# What weights may miss one by: they are often computed from rounded amounts.
BUDGET_SLACK = 1e-6


def parse_benchmark(
    field: str, weights: Sequence[weight_pb2.Weight], product_ids: Sequence[str], checks: Checks
) -> tuple[float, ...]:
    """Return the weights by product, noted in `checks` unless they sum to one; products not named have none."""
    ids, shares = [weight.product_id for weight in weights], [weight.weight for weight in weights]
    known = frozenset(product_ids)
    checks.among(lambda i: f"{field}[{i}].product_id", ids, known, "a product of this request; add its terms")
    checks.numbers(lambda i: f"{field}[{i}].weight", shares, 0.0, 1.0 + BUDGET_SLACK)
    total = sum(shares)
    if not abs(total - 1.0) <= BUDGET_SLACK:
        checks.refuse(field, f"weights sum to {total:g}, expected 1; normalise before sending")
    held = dict(zip(ids, shares, strict=True))
    return tuple(held.get(name, 0.0) for name in product_ids)


def parse_weights(
    field: str, weights: Sequence[weight_pb2.Weight], product_ids: Sequence[str], checks: Checks
) -> Vector:
    """Return the weights by product, (n,), brought to one in sum exactly; noted as in `parse_benchmark`."""
    found = np.array(parse_benchmark(field, weights, product_ids, checks))
    total = sum(found.tolist())
    return found / total if 0.0 < total < math.inf else found
