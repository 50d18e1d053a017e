"""What the orchestrator asks of the optimizer and what comes back: mirrors of fiducia.optimizer.v1."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Exposure:
    """How much of one asset class is inside a product, a fraction of its value."""

    asset_class: str
    loading: float


@dataclass(frozen=True)
class ProductTerms:
    """What the optimizer needs to know about a product; volatility and fee are yearly fractions."""

    product_id: str
    asset_class: str
    exposures: tuple[Exposure, ...]
    currency_hedged: bool
    specific_volatility: float
    expense_ratio: float


@dataclass(frozen=True)
class WeightBound:
    """Bounds on one product's weight, 0 to 1; None: free."""

    product_id: str
    min_weight: float | None = None
    max_weight: float | None = None


@dataclass(frozen=True)
class GroupBound:
    """Bounds on the sum of the weights of a group: members by main asset class, and by product."""

    name: str
    asset_classes: tuple[str, ...] = ()
    product_ids: tuple[str, ...] = ()
    min_weight: float | None = None
    max_weight: float | None = None


@dataclass(frozen=True)
class Limits:
    """What the portfolio must obey beside weights that are never negative and sum to one."""

    products: tuple[WeightBound, ...] = ()
    groups: tuple[GroupBound, ...] = ()
    max_turnover: float | None = None
    max_volatility: float | None = None


@dataclass(frozen=True)
class Weight:
    """The share of one product, a fraction."""

    product_id: str
    weight: float


@dataclass(frozen=True)
class PortfolioProblem:
    """Products, limits and what is held; what is missing to one in current_weights is uninvested cash."""

    base_currency: str
    products: tuple[ProductTerms, ...]
    limits: Limits
    current_weights: tuple[Weight, ...] = ()
    market_snapshot: str = ""


@dataclass(frozen=True)
class MeanVarianceUtility:
    """Maximise net expected return minus half the risk aversion times the variance."""

    risk_aversion: float


@dataclass(frozen=True)
class MinimumVariance:
    """Minimise the variance."""


Objective = MeanVarianceUtility | MinimumVariance


@dataclass(frozen=True)
class ConditionalValueAtRisk:
    """The mean loss in the worst share of outcomes; a loss is positive, a fraction of the portfolio."""

    loss: float
    confidence: float
    horizon_years: float
    distribution: str = "NORMAL"


@dataclass(frozen=True)
class RiskContribution:
    """How much of the portfolio's yearly volatility comes from one product."""

    product_id: str
    contribution: float


@dataclass(frozen=True)
class RiskAnalysis:
    """What to expect of a portfolio in one year in the base currency; fractions, all of it hypothetical."""

    expected_return: float
    expected_return_net: float
    volatility: float
    cvar: ConditionalValueAtRisk
    risk_contributions: tuple[RiskContribution, ...]
    expense_ratio: float


@dataclass(frozen=True)
class Certificate:
    """Proof that a solution is the optimum: residuals computed by the optimizer, not by its solver."""

    solver: str
    solver_version: str
    status: str
    primal_residual: float
    dual_residual: float
    complementarity_residual: float
    tolerance: float


@dataclass(frozen=True)
class BindingLimit:
    """A limit that holds the optimum back, with the gain of the objective per unit of it."""

    field: str
    bound: float
    shadow_price: float


@dataclass(frozen=True)
class OptimalPortfolio:
    """The best portfolio. `current` is absent when nothing is held."""

    weights: tuple[Weight, ...]
    analysis: RiskAnalysis
    current: RiskAnalysis | None
    certificate: Certificate
    binding_limits: tuple[BindingLimit, ...] = ()
    market_snapshot: str = ""


@dataclass(frozen=True)
class ConflictingLimit:
    """One member of a contradiction.

    relaxed_bound: where, all else kept, a portfolio exists; None where this limit alone cannot resolve it.
    is_unsought: whether it is None because it was not computed: this limit may then resolve it alone.
    """

    field: str
    bound: float
    relaxed_bound: float | None = None
    is_unsought: bool = False


@dataclass(frozen=True)
class Infeasibility:
    """A smallest set of limits that contradict each other.

    relax_together: limits that make a portfolio possible all at once, each at its relaxed bound, whatever
    contradictions there are; some may be no members of the set. Empty where none were found.
    """

    conflicts: tuple[ConflictingLimit, ...]
    market_snapshot: str = ""
    relax_together: tuple[ConflictingLimit, ...] = ()
