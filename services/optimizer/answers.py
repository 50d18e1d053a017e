"""Jobs that a worker is given and answers it gives: plain data that can cross to another process."""

from __future__ import annotations

from dataclasses import dataclass

from services.optimizer.backtest.run import BacktestJob, BacktestReport
from services.optimizer.certificate import Certificate
from services.optimizer.goal import GoalJob, GoalOutcome
from services.optimizer.moments import Market, Vector
from services.optimizer.objective import Wanted
from services.optimizer.price_import import ImportedPrices, ImportJob
from services.optimizer.problem import Problem
from services.optimizer.rebalance.problem import RebalanceProblem
from services.optimizer.rebalance.proposal import Proposal, Shortfall
from services.optimizer.risk import RiskAnalysis
from services.optimizer.risk_report import RiskJob, RiskReport


@dataclass(frozen=True, eq=False)
class OptimizeJob:
    """A portfolio is wanted.

    resamples: how often expected returns are drawn again for the ranges of the weights; 0 for none.
    deadline:  on time.monotonic's clock, which all processes of a machine share; a search stops in time for it.
    """

    problem: Problem
    market: Market
    objective: Wanted
    resamples: int = 0
    with_limit_costs: bool = False
    deadline: float | None = None


@dataclass(frozen=True)
class OptimizeCall:
    """A portfolio is wanted by a caller whose words the worker reads itself.

    request:       OptimizePortfolioRequest, encoded.
    snapshot:      digest of the market snapshot that it is asked over.
    product_count: of the request, which tells how long it takes at the least.
    has_own_covariance: whether it brings one.
    is_open_ended: whether it takes what time it gets: positions, resamples or costs of limits are asked for.
    deadline:      as that of OptimizeJob.
    """

    request: bytes
    snapshot: str
    product_count: int
    has_own_covariance: bool = False
    is_open_ended: bool = False
    deadline: float | None = None


@dataclass(frozen=True)
class OptimizeReply:
    """OptimizePortfolioResponse, encoded."""

    response: bytes


@dataclass(frozen=True, eq=False)
class FrontierJob:
    """A frontier of this many points is wanted."""

    problem: Problem
    market: Market
    point_count: int


@dataclass(frozen=True)
class WarmUpJob:
    """Compiled problems are wanted for a market of this many factors.

    in_use: numbers of products and of factors that requests are likely to have, beside the usual ones.
    snapshot: digest of the market's, to be read before a call needs it; empty for none.
    """

    factors: int
    in_use: tuple[tuple[int, int], ...] = ()
    snapshot: str = ""


@dataclass(frozen=True)
class BindingLimit:
    """A limit of the request at its bound.

    shadow_price: what the objective gains, per unit, when the limit is loosened a little (a maximum raised, a
    minimum lowered); at least 0. The objective is the utility, the variance, the return, the ratio or the loss that
    the request asks for; for least tracking error the variance of the difference.
    """

    field: str
    bound: float
    shadow_price: float


@dataclass(frozen=True)
class ConflictingLimit:
    """One member of a contradiction.

    relaxed_bound: where, all else of the request kept, a portfolio exists; None where this limit alone cannot help.
    is_unsought: whether it is None because it was not looked for, or not proven: other members have theirs.
    """

    field: str
    bound: float
    relaxed_bound: float | None
    is_unsought: bool = False


@dataclass(frozen=True)
class ReducedCost:
    """What the expected yearly return of a product that is out lacks to bring it in, at least 0."""

    product_id: str
    missing_return: float


@dataclass(frozen=True)
class LimitCost:
    """What the objective gains when one limit of the request is dropped alone, at least 0."""

    field: str
    cost: float


@dataclass(frozen=True)
class WeightRange:
    """Fifth and ninety-fifth percentile of a weight under errors of the expected returns."""

    product_id: str
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Portfolio:
    """The best portfolio: weights (n,), what to expect of it and of what is held today, its proof, what limits it.

    optimality_gap: of the search over positions, relative to the objective's value; None where nothing was searched.
    time_limited:   whether the deadline ended that search.
    covariance_repair: distance of the covariance to the one that was sent, relative.
    all_limits_cost: what the objective gains when all limits are dropped; None where not asked for or no time is left.
    """

    weights: Vector
    analysis: RiskAnalysis
    current: RiskAnalysis | None
    certificate: Certificate
    binding_limits: tuple[BindingLimit, ...]
    reduced_costs: tuple[ReducedCost, ...] = ()
    limit_costs: tuple[LimitCost, ...] = ()
    all_limits_cost: float | None = None
    weight_ranges: tuple[WeightRange, ...] = ()
    covariance_repair: float = 0.0
    optimality_gap: float | None = None
    time_limited: bool = False


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
    """The limits contradict each other.

    together: limits that give way all at once, each by its bound, so that a portfolio exists, whatever contradictions
    there are; the sum of what linear ones give is the least. Empty where that was not found.
    """

    conflicts: tuple[ConflictingLimit, ...]
    together: tuple[ConflictingLimit, ...] = ()


@dataclass(frozen=True)
class Ready:
    """A worker has warmed up."""


# What the engine answers by itself; a call also takes the market snapshots of the process.
Task = OptimizeJob | FrontierJob | GoalJob | RebalanceProblem | RiskJob | BacktestJob | ImportJob | WarmUpJob
Job = Task | OptimizeCall
Answer = (
    OptimizeReply
    | Portfolio
    | Frontier
    | Infeasible
    | GoalOutcome
    | Proposal
    | Shortfall
    | RiskReport
    | BacktestReport
    | ImportedPrices
    | Ready
)
