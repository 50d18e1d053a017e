"""The optimizer's messages: problems out, portfolios in, and analyses on to the client."""

from __future__ import annotations

from fiducia.optimizer.v1 import objective_pb2
from fiducia.optimizer.v1 import optimizer_service_pb2 as service_pb
from fiducia.optimizer.v1 import portfolio_pb2 as pb
from fiducia.type.v1 import weight_pb2

from services.orchestrator.portfolio import (
    BindingLimit,
    Certificate,
    ConditionalValueAtRisk,
    ConflictingLimit,
    GroupBound,
    Infeasibility,
    Limits,
    MeanVarianceUtility,
    Objective,
    OptimalPortfolio,
    PortfolioProblem,
    ProductTerms,
    RiskAnalysis,
    RiskContribution,
    Weight,
)
from services.orchestrator.wire_values import enum_name, enum_value

_DISTRIBUTION = "RETURN_DISTRIBUTION"


def problem_message(problem: PortfolioProblem) -> pb.PortfolioProblem:
    """Return a problem as a message."""
    return pb.PortfolioProblem(
        base_currency=problem.base_currency,
        market_snapshot=problem.market_snapshot,
        products=[_terms_message(terms) for terms in problem.products],
        limits=_limits_message(problem.limits),
        current_weights=weight_messages(problem.current_weights),
    )


def objective_message(objective: Objective) -> objective_pb2.Objective:
    """Return an objective as a message."""
    if isinstance(objective, MeanVarianceUtility):
        utility = objective_pb2.MeanVarianceUtility(risk_aversion=objective.risk_aversion)
        return objective_pb2.Objective(mean_variance_utility=utility)
    return objective_pb2.Objective(minimum_variance=objective_pb2.MinimumVariance())


def weight_messages(weights: tuple[Weight, ...]) -> list[weight_pb2.Weight]:
    """Return weights as messages."""
    return [weight_pb2.Weight(product_id=w.product_id, weight=w.weight) for w in weights]


def outcome_of(response: service_pb.OptimizePortfolioResponse) -> OptimalPortfolio | Infeasibility:
    """Return the optimizer's answer. Raises ValueError where it holds none."""
    match response.WhichOneof("outcome"):
        case "optimal":
            return _portfolio_of(response.optimal, response.market_snapshot)
        case "infeasibility":
            found = response.infeasibility
            return Infeasibility(
                conflicts=tuple(_conflict_of(limit) for limit in found.conflicts),
                market_snapshot=response.market_snapshot,
                relax_together=tuple(_conflict_of(limit) for limit in found.relax_together),
            )
        case _:
            raise ValueError("the optimizer's answer holds no outcome")


def analysis_message(analysis: RiskAnalysis) -> pb.RiskAnalysis:
    """Return an analysis as a message."""
    contributions = [
        pb.RiskContribution(product_id=part.product_id, contribution=part.contribution)
        for part in analysis.risk_contributions
    ]
    return pb.RiskAnalysis(
        expected_return=analysis.expected_return,
        expected_return_net=analysis.expected_return_net,
        volatility=analysis.volatility,
        cvar=_cvar_message(analysis.cvar),
        risk_contributions=contributions,
        expense_ratio=analysis.expense_ratio,
    )


def certificate_message(certificate: Certificate) -> pb.Certificate:
    """Return a certificate as a message."""
    return pb.Certificate(
        solver=certificate.solver,
        solver_version=certificate.solver_version,
        status=certificate.status,
        primal_residual=certificate.primal_residual,
        dual_residual=certificate.dual_residual,
        complementarity_residual=certificate.complementarity_residual,
        tolerance=certificate.tolerance,
    )


def binding_limit_message(limit: BindingLimit) -> pb.BindingLimit:
    """Return a limit that holds the optimum back as a message."""
    return pb.BindingLimit(field=limit.field, bound=limit.bound, shadow_price=limit.shadow_price)


def infeasibility_message(infeasibility: Infeasibility) -> pb.Infeasibility:
    """Return a contradiction as a message."""
    return pb.Infeasibility(
        conflicts=[_conflict_message(limit) for limit in infeasibility.conflicts],
        relax_together=[_conflict_message(limit) for limit in infeasibility.relax_together],
    )


def _conflict_message(limit: ConflictingLimit) -> pb.ConflictingLimit:
    return pb.ConflictingLimit(
        field=limit.field,
        bound=limit.bound,
        relaxed_bound=limit.relaxed_bound,
        relaxation_not_sought=limit.is_unsought,
    )


def _terms_message(terms: ProductTerms) -> pb.ProductTerms:
    return pb.ProductTerms(
        product_id=terms.product_id,
        asset_class=terms.asset_class,
        exposures=[pb.Exposure(asset_class=e.asset_class, loading=e.loading) for e in terms.exposures],
        currency_hedged=terms.currency_hedged,
        specific_volatility=terms.specific_volatility,
        expense_ratio=terms.expense_ratio,
    )


def _limits_message(limits: Limits) -> pb.Limits:
    return pb.Limits(
        products=[
            pb.WeightBound(product_id=bound.product_id, min_weight=bound.min_weight, max_weight=bound.max_weight)
            for bound in limits.products
        ],
        groups=[_group_message(bound) for bound in limits.groups],
        max_turnover=limits.max_turnover,
        max_volatility=limits.max_volatility,
    )


def _group_message(bound: GroupBound) -> pb.GroupBound:
    return pb.GroupBound(
        name=bound.name,
        asset_classes=bound.asset_classes,
        product_ids=bound.product_ids,
        min_weight=bound.min_weight,
        max_weight=bound.max_weight,
    )


def _cvar_message(cvar: ConditionalValueAtRisk) -> pb.ConditionalValueAtRisk:
    return pb.ConditionalValueAtRisk(
        loss=cvar.loss,
        confidence=cvar.confidence,
        horizon_years=cvar.horizon_years,
        distribution=enum_value(pb.ReturnDistribution, _DISTRIBUTION, cvar.distribution),
    )


def _portfolio_of(message: service_pb.OptimalPortfolio, market_snapshot: str) -> OptimalPortfolio:
    certificate = message.certificate
    return OptimalPortfolio(
        weights=tuple(Weight(w.product_id, w.weight) for w in message.weights),
        analysis=_analysis_of(message.analysis),
        current=_analysis_of(message.current) if message.HasField("current") else None,
        certificate=Certificate(
            solver=certificate.solver,
            solver_version=certificate.solver_version,
            status=certificate.status,
            primal_residual=certificate.primal_residual,
            dual_residual=certificate.dual_residual,
            complementarity_residual=certificate.complementarity_residual,
            tolerance=certificate.tolerance,
        ),
        binding_limits=tuple(BindingLimit(b.field, b.bound, b.shadow_price) for b in message.binding_limits),
        market_snapshot=market_snapshot,
    )


def _analysis_of(message: pb.RiskAnalysis) -> RiskAnalysis:
    cvar = message.cvar
    distribution = enum_name(pb.ReturnDistribution, _DISTRIBUTION, cvar.distribution)
    return RiskAnalysis(
        expected_return=message.expected_return,
        expected_return_net=message.expected_return_net,
        volatility=message.volatility,
        cvar=ConditionalValueAtRisk(cvar.loss, cvar.confidence, cvar.horizon_years, distribution or "UNSPECIFIED"),
        risk_contributions=tuple(RiskContribution(p.product_id, p.contribution) for p in message.risk_contributions),
        expense_ratio=message.expense_ratio,
    )


def _conflict_of(message: pb.ConflictingLimit) -> ConflictingLimit:
    relaxed = message.relaxed_bound if message.HasField("relaxed_bound") else None
    return ConflictingLimit(message.field, message.bound, relaxed, message.relaxation_not_sought)
