"""Three products that objectives are tried on, and markets that are drawn."""

from __future__ import annotations

import numpy as np
from hypothesis import settings

from services.optimizer.moments import Market
from services.optimizer.problem import Problem
from tests.unit.optimizer.builders import dense_market, products

COVARIANCE = np.array([[0.04, 0.006, 0.002], [0.006, 0.0225, 0.001], [0.002, 0.001, 0.01]])
EXPECTED = [0.08, 0.06, 0.04]
MARKET = dense_market(EXPECTED, COVARIANCE)
FREE = Problem("USD", products(3))
TIGHT = 1e-8
FEW = settings(max_examples=15, deadline=None)


def drawn_market(seed: int, count: int = 6) -> tuple[Market, np.ndarray, np.ndarray]:
    """Return a market of so many products with its expected returns and its covariance."""
    random = np.random.default_rng(seed)
    root = random.normal(size=(count, count)) * 0.1
    covariance = root @ root.T + np.diag(random.uniform(0.001, 0.02, count))
    expected = random.uniform(0.01, 0.12, count)
    return dense_market(list(expected), covariance), expected, covariance
