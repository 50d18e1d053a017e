"""Jobs that a worker is given and answers it gives: plain data that can cross to another process."""

from __future__ import annotations

from dataclasses import dataclass

from services.optimizer.certificate import Certificate
from services.optimizer.moments import Market, Vector
from services.optimizer.objective import MeanVarianceUtility, MinimumVariance
from services.optimizer.problem import Problem
from services.optimizer.risk import RiskAnalysis


@dataclass(frozen=True, eq=False)
class OptimizeJob:
    """A portfolio is wanted."""

    problem: Problem
    market: Market
    objective: MeanVarianceUtility | MinimumVariance


@dataclass(frozen=True, eq=False)
class FrontierJob:
    """A frontier of this many points is wanted."""

    problem: Problem
    market: Market
    point_count: int


@dataclass(frozen=True, eq=False)
class WarmUpJob:
    """Compiled problems are wanted for markets of this many factors."""

    factors: int


@dataclass(frozen=True)
class BindingLimit:
    """A limit of the request at its bound.

    shadow_price: what the objective gains, per unit, when the limit is loosened a little (a maximum raised, a
    minimum lowered); at least 0. The objective is the utility for mean-variance, the variance for minimum variance.
    """

    field: str
    bound: float
    shadow_price: float


@dataclass(frozen=True)
class ConflictingLimit:
    """One member of a contradiction.

    relaxed_bound: where, all else of the request kept, a portfolio exists; None where this limit alone cannot help.
    """

    field: str
    bound: float
    relaxed_bound: float | None


@dataclass(frozen=True, eq=False)
class Portfolio:
    """The best portfolio: weights (n,), what to expect of it and of what is held today, its proof, what limits it."""

    weights: Vector
    analysis: RiskAnalysis
    current: RiskAnalysis | None
    certificate: Certificate
    binding_limits: tuple[BindingLimit, ...]


@dataclass(frozen=True, eq=False)
class FrontierPoint:
    """One portfolio of a frontier, weights (n,), with its proof."""

    weights: Vector
    expected_return_net: float
    volatility: float
    certificate: Certificate


@dataclass(frozen=True, eq=False)
class Frontier:
    """Portfolios by increasing expected return."""

    points: tuple[FrontierPoint, ...]


@dataclass(frozen=True)
class Infeasible:
    """The limits contradict each other."""

    conflicts: tuple[ConflictingLimit, ...]


@dataclass(frozen=True)
class Ready:
    """A worker has warmed up."""


Job = OptimizeJob | FrontierJob | WarmUpJob
Answer = Portfolio | Frontier | Infeasible | Ready
