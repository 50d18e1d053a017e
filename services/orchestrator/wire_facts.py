"""Facts, findings and the universe as messages."""

from __future__ import annotations

from datetime import date

from fiducia.advisor.v1 import proposal_pb2 as proposal_pb
from fiducia.type.v1 import fact_pb2 as pb

from services.orchestrator.facts.fact import Fact, FactSource, Quantity
from services.orchestrator.money import Money
from services.orchestrator.suitability.finding import Finding
from services.orchestrator.suitability.universe import Universe
from services.orchestrator.wire_values import date_message, enum_value, money_message, text_message


def fact_message(fact: Fact) -> pb.Fact:
    """Return a fact as a message."""
    message = pb.Fact(
        id=fact.id,
        subject=pb.Subject(kind=enum_value(pb.SubjectKind, "SUBJECT_KIND", fact.subject.kind), id=fact.subject.id),
        label=text_message(fact.label),
        rendered=text_message(fact.rendered),
        basis=enum_value(pb.Basis, "BASIS", fact.basis),
        as_of=None if fact.as_of is None else date_message(fact.as_of),
        net_of_fees=fact.net_of_fees,
        source=_source_message(fact.source),
    )
    _set_value(message, fact.value)
    return message


def finding_message(finding: Finding) -> proposal_pb.Finding:
    """Return a finding as a message."""
    return proposal_pb.Finding(
        rule_id=finding.rule_id,
        severity=enum_value(proposal_pb.FindingSeverity, "FINDING_SEVERITY", finding.severity),
        message=text_message(finding.message),
        subject=finding.subject,
        rule_source=finding.rule_source,
        rule_verified=finding.rule_verified,
    )


def universe_message(universe: Universe) -> proposal_pb.Universe:
    """Return the universe as a message."""
    exclusions = [
        proposal_pb.Exclusion(
            reason=text_message(exclusion.reason), rule_id=exclusion.rule_id, product_ids=exclusion.product_ids
        )
        for exclusion in universe.exclusions
    ]
    return proposal_pb.Universe(
        catalogue_count=universe.catalogue_count,
        eligible_product_ids=universe.eligible_product_ids,
        exclusions=exclusions,
    )


def _set_value(message: pb.Fact, value: Quantity | Money | date | str) -> None:
    if isinstance(value, Quantity):
        message.quantity.value = value.value
        message.quantity.unit = enum_value(pb.Unit, "UNIT", value.unit)
    elif isinstance(value, Money):
        message.money.CopyFrom(money_message(value))
    elif isinstance(value, date):
        message.date.CopyFrom(date_message(value))
    else:
        message.text = value


def _source_message(source: FactSource) -> pb.FactSource:
    return pb.FactSource(
        kind=enum_value(pb.SourceKind, "SOURCE_KIND", source.kind),
        reference=source.reference,
        digest=source.digest,
        verified=source.verified,
        derived_from=source.derived_from,
    )
