"""Steps and conclusions of the pipeline as the proposal's events."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from fiducia.advice.v1 import segment_pb2
from fiducia.advisor.v1 import client_pb2
from fiducia.advisor.v1 import proposal_pb2 as pb
from fiducia.type.v1 import risk_pb2

from services.orchestrator.allocation import AllocationLine
from services.orchestrator.alternatives import Alternative
from services.orchestrator.portfolio import Infeasibility
from services.orchestrator.recommendation import Recommendation
from services.orchestrator.steps import (
    Blocked,
    Conclusion,
    FactsRecorded,
    Failure,
    FindingsRecorded,
    StageStarted,
    Step,
    Versions,
)
from services.orchestrator.suitability.score import RiskProfile
from services.orchestrator.suitability.universe import Universe
from services.orchestrator.trades import Trade
from services.orchestrator.wire_advice import citable_message
from services.orchestrator.wire_facts import fact_message, finding_message, universe_message
from services.orchestrator.wire_portfolio import (
    analysis_message,
    binding_limit_message,
    certificate_message,
    infeasibility_message,
    weight_messages,
)
from services.orchestrator.wire_values import date_message, decimal_message, enum_value, money_message, text_message
from services.orchestrator.writing import Segment

FIDUCIA_VERSION = version("fiducia")


def event_content(step: Step) -> dict[str, Any]:
    """Return a step as the one field of ProposalEvent's oneof that holds it."""
    match step:
        case StageStarted(stage):
            return {"stage_started": enum_value(pb.ProposalStage, "PROPOSAL_STAGE", stage)}
        case RiskProfile():
            return {"profile_scored": _profile_message(step)}
        case Universe():
            return {"universe_selected": universe_message(step)}
        case Recommendation():
            return {"recommendation_computed": recommendation_message(step)}
        case FactsRecorded(facts, passages):
            recorded = pb.FactsRecorded(
                facts=[fact_message(fact) for fact in facts],
                passages=[citable_message(passage) for passage in passages],
            )
            return {"facts_recorded": recorded}
        case Segment():
            return {"segment_verified": segment_pb2.Segment.FromString(step.message)}
        case FindingsRecorded(findings):
            return {"findings_recorded": pb.FindingsRecorded(findings=[finding_message(f) for f in findings])}


def finisher(conclusion: Conclusion) -> Callable[[pb.Proposal], None]:
    """Return what sets a proposal's state, outcome and versions as this conclusion says."""

    def finish(proposal: pb.Proposal) -> None:
        proposal.versions.CopyFrom(_versions_message(conclusion.versions))
        match conclusion.outcome:
            case Recommendation() as recommendation:
                proposal.state = pb.PROPOSAL_STATE_AWAITING_APPROVAL
                proposal.recommendation.CopyFrom(recommendation_message(recommendation))
            case Infeasibility() as infeasibility:
                proposal.state = pb.PROPOSAL_STATE_INFEASIBLE
                proposal.infeasibility.CopyFrom(infeasibility_message(infeasibility))
            case Blocked():
                proposal.state = pb.PROPOSAL_STATE_BLOCKED
                proposal.block.SetInParent()
            case Failure() as failure:
                fail(proposal, failure)

    return finish


def fail(proposal: pb.Proposal, failure: Failure) -> None:
    """Set a proposal's state and outcome to this failure; versions stay as they are."""
    proposal.state = pb.PROPOSAL_STATE_FAILED
    proposal.failure.reason = failure.reason
    proposal.failure.message = failure.message


def recommendation_message(recommendation: Recommendation) -> pb.Recommendation:
    """Return a recommendation as a message."""
    current = recommendation.current
    return pb.Recommendation(
        lines=[_line_message(line) for line in recommendation.lines],
        trades=[_trade_message(trade) for trade in recommendation.trades],
        analysis=analysis_message(recommendation.analysis),
        current=None if current is None else analysis_message(current),
        total_value=money_message(recommendation.total_value),
        yearly_cost=money_message(recommendation.yearly_cost),
        bad_year_loss=money_message(recommendation.bad_year_loss),
        portfolio_risk_level=_level(recommendation.portfolio_risk_level),
        certificate=certificate_message(recommendation.certificate),
        binding_limits=[binding_limit_message(limit) for limit in recommendation.binding_limits],
        alternatives=[_alternative_message(alternative) for alternative in recommendation.alternatives],
        optimal_weights=weight_messages(recommendation.optimal_weights),
        rounding_gap=recommendation.rounding_gap,
    )


def _profile_message(profile: RiskProfile) -> client_pb2.RiskProfile:
    return client_pb2.RiskProfile(
        capacity_score=profile.capacity_score,
        tolerance_score=profile.tolerance_score,
        binding_score=profile.binding_score,
        binding_side=enum_value(client_pb2.BindingSide, "BINDING_SIDE", profile.binding_side),
        client_class=enum_value(risk_pb2.ClientClass, "CLIENT_CLASS", profile.client_class),
        questionnaire_id=profile.questionnaire_id,
        reason=text_message(profile.reason),
    )


def _line_message(line: AllocationLine) -> pb.AllocationLine:
    return pb.AllocationLine(
        product_id=line.product_id,
        name=text_message(line.name),
        asset_class=line.asset_class,
        asset_class_name=text_message(line.asset_class_name),
        risk_level=_level(line.risk_level),
        current_weight=line.current_weight,
        weight=line.weight,
        value=money_message(line.value),
        risk_contribution=line.risk_contribution,
        external=line.external,
    )


def _trade_message(trade: Trade) -> pb.Trade:
    return pb.Trade(
        product_id=trade.product_id,
        side=enum_value(pb.TradeSide, "TRADE_SIDE", trade.side),
        amount=money_message(trade.amount),
        units=None if trade.units is None else decimal_message(trade.units),
    )


def _alternative_message(alternative: Alternative) -> pb.Alternative:
    analysis = alternative.analysis
    return pb.Alternative(
        id=alternative.id,
        name=text_message(alternative.name),
        weights=weight_messages(alternative.weights),
        analysis=None if analysis is None else analysis_message(analysis),
        reason=text_message(alternative.reason),
    )


def _versions_message(versions: Versions) -> pb.Versions:
    as_of = versions.assumptions_as_of
    return pb.Versions(
        fiducia=FIDUCIA_VERSION,
        catalogue=versions.catalogue,
        index_snapshot=versions.index_snapshot,
        market_snapshot=versions.market_snapshot,
        assumptions_as_of=None if as_of is None else date_message(as_of),
        assumptions_label=versions.assumptions_label,
        rule_pack=versions.rule_pack,
        questionnaire=versions.questionnaire,
        model=versions.model,
        prompts=versions.prompts,
    )


def _level(level: str) -> Any:
    return enum_value(risk_pb2.RiskLevel, "RISK_LEVEL", level)
