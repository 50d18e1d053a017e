"""Seven products of which few may be held."""

from __future__ import annotations

import numpy as np

from services.optimizer.moments import Market
from services.optimizer.problem import Limits, Problem
from tests.unit.optimizer.builders import dense_market, products

COUNT = 7
HELD = {"p1": 0.5, "p2": 0.3, "p6": 0.2}


def drawn(seed: int, count: int = COUNT) -> Market:
    """Return a market of classes with a dense covariance."""
    draw = np.random.default_rng(seed)
    root = draw.normal(size=(count, count)) * 0.1 + 0.08
    return dense_market(
        draw.uniform(0.02, 0.1, count).tolist(), root @ root.T + np.diag(draw.uniform(0.001, 0.01, count))
    )


def limited(limits: Limits, count: int = COUNT, current: dict[str, float] | None = None) -> Problem:
    """Return a problem over so many products under these limits."""
    return Problem("USD", products(count), limits, current)
