"""Problems with few positions: 50 products of drawn factors or a sample covariance, free, in bands, with turnover."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from services.optimizer.moments import Matrix, Moments
from services.optimizer.objective import MeanVarianceUtility, MinimumVariance, Objective
from services.optimizer.problem import Bound, Group, Limits, PositionLimit, Problem, Product

COUNT = 50
LIMIT = PositionLimit(10, 0.02)
_GOALS: tuple[Objective, ...] = (MinimumVariance(), MeanVarianceUtility(4.0))
_FACTORS, _CLASSES, _HELD, _MAX_TURNOVER = 12, 6, 20, 0.7
_DAYS, _DAYS_A_YEAR = 500, 252


@dataclass(frozen=True, eq=False)
class Case:
    """One problem: its covariance, its limits, its goal and its seed in words."""

    name: str
    problem: Problem
    moments: Moments
    goal: Objective


def cases(seeds: int) -> Iterator[Case]:
    """Yield every covariance with every kind of limits and both goals, for each seed."""
    for seed in range(seeds):
        for covariance in ("factors", "sample"):
            for limits in ("free", "bands", "bands+turnover"):
                for goal in _GOALS:
                    name = f"{seed} {covariance:<7} {limits:<14} {type(goal).__name__}"
                    moments = _moments(np.random.default_rng(seed), is_sample=covariance == "sample")
                    yield Case(name, _problem(seed, limits), moments, goal)


def _moments(draw: np.random.Generator, is_sample: bool) -> Moments:
    """Return moments of factors with falling strength and own risks; or what 500 days of them would say."""
    strength = np.linspace(0.12, 0.02, _FACTORS)
    root = draw.normal(size=(COUNT, _FACTORS)) * strength
    root[:, 0] = np.abs(root[:, 0]) + 0.05
    specific = draw.uniform(0.05, 0.2, COUNT)
    expected = 0.02 + 0.25 * root[:, 0] + draw.normal(0.0, 0.02, COUNT)
    if is_sample:
        root, specific = _sampled(root, specific, draw), np.zeros(COUNT)
    return Moments(expected, np.zeros(COUNT), root, specific, cash_return=0.0)


def _sampled(root: Matrix, specific: np.ndarray, draw: np.random.Generator) -> Matrix:
    common = draw.normal(size=(_DAYS, _FACTORS)) @ root.T
    returns = (common + draw.normal(size=(_DAYS, COUNT)) * specific) / np.sqrt(_DAYS_A_YEAR)
    values, vectors = np.linalg.eigh(np.cov(returns.T) * _DAYS_A_YEAR)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def _problem(seed: int, limits: str) -> Problem:
    draw = np.random.default_rng(1_000 + seed)
    products = tuple(Product(f"p{i:02d}", f"class{i % _CLASSES}", {}, 0.0, 0.0) for i in range(COUNT))
    band = Bound(0.05, 0.35)
    groups = tuple(Group(f"band{i}", band, frozenset({f"class{i}"})) for i in range(_CLASSES))
    held = draw.choice(COUNT, _HELD, replace=False)
    weights = draw.dirichlet(np.ones(_HELD))
    return Problem(
        base_currency="USD",
        products=products,
        limits=Limits(
            groups=() if limits == "free" else groups,
            max_turnover=_MAX_TURNOVER if limits == "bands+turnover" else None,
            positions=LIMIT,
        ),
        current={products[i].id: float(weight) for i, weight in zip(held, weights, strict=True)},
    )
