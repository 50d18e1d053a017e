"""Requests are checked field by field, and nothing is lost on the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from fiducia.advice.v1 import advice_service_pb2 as pb
from fiducia.retrieval.v1 import passage_pb2
from google.type import date_pb2

from services.advice.outline import outline
from services.advice.segment import Attempt, verified
from services.advice.wire import brief_of, question_of
from services.advice.wire_out import segment_message
from shared.errors import InvalidRequest
from tests.unit.advice.briefs import US_FAMILY, brief, cn_saver, question, request


def violations(message: pb.StreamAdviceRequest) -> list[str]:
    with pytest.raises(InvalidRequest) as caught:
        brief_of(message)
    return [violation.field for violation in caught.value.violations]


def test_values_keep_their_kind() -> None:
    facts = brief(US_FAMILY).fact

    assert facts["total_value"].value == Decimal("240000")
    assert facts["total_value"].unit == "MONEY.USD"
    assert facts["volatility"].value == pytest.approx(0.094)
    assert facts["assumptions_date"].value == date(2026, 11, 1)
    assert facts["client_class"].value == "C3"


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (lambda m: m.ClearField("brief"), "brief"),
        (lambda m: setattr(m.brief, "language", "fr"), "brief.language"),
        (lambda m: setattr(m.brief, "goal", "a yacht"), "brief.goal"),
        (lambda m: setattr(m, "strictness", 9), "strictness"),
        (lambda m: setattr(m.brief.facts[1], "id", m.brief.facts[0].id), "brief.facts[1].id"),
        (lambda m: setattr(m.brief.facts[0], "id", "a b"), "brief.facts[0].id"),
        (lambda m: m.brief.facts[0].ClearField("subject"), "brief.facts[0].subject.kind"),
        (lambda m: setattr(m.brief.facts[0], "basis", 0), "brief.facts[0].basis"),
        (lambda m: m.brief.facts[0].ClearField("source"), "brief.facts[0].source.kind"),
        (lambda m: m.brief.facts[0].ClearField("label"), "brief.facts[0].label.en"),
        (lambda m: m.brief.facts[0].ClearField("rendered"), "brief.facts[0].rendered.en"),
        (lambda m: setattr(m.brief.facts[0].rendered, "en", "{{f:x}}"), "brief.facts[0].rendered.en"),
        (lambda m: m.brief.facts[0].ClearField("text"), "brief.facts[0].value"),
        (lambda m: setattr(m.brief.facts[1].quantity, "value", float("nan")), "brief.facts[1].quantity.value"),
        (lambda m: setattr(m.brief.facts[1].quantity, "unit", 0), "brief.facts[1].quantity.unit"),
        (lambda m: setattr(m.brief.facts[4].money, "currency_code", "dollars"), "brief.facts[4].money.currency_code"),
        (lambda m: setattr(m.brief.facts[4].money, "nanos", -5), "brief.facts[4].money.nanos"),
        (lambda m: m.brief.facts[0].as_of.CopyFrom(date_pb2.Date(year=2026, month=13, day=1)), "brief.facts[0].as_of"),
        (lambda m: setattr(m.brief.products[0], "product_id", ""), "brief.products[0].product_id"),
        (lambda m: setattr(m.brief.products[1], "product_id", "VTI"), "brief.products[1].product_id"),
        (lambda m: m.brief.products[0].ClearField("name"), "brief.products[0].name.en"),
        (lambda m: setattr(m.brief.products[0], "asset_class", ""), "brief.products[0].asset_class"),
        (lambda m: m.brief.products[0].main_risks.add(), "brief.products[0].main_risks[3].en"),
        (lambda m: setattr(m.brief.passages[0], "handle", 0), "brief.passages[0].handle"),
        (lambda m: setattr(m.brief.passages[1], "handle", 1), "brief.passages[1].handle"),
        (lambda m: m.brief.passages[0].ClearField("passage"), "brief.passages[0].passage"),
        (lambda m: setattr(m.brief.passages[0].passage, "text", " "), "brief.passages[0].passage.text"),
        (lambda m: setattr(m.brief.passages[0].passage, "kind", 0), "brief.passages[0].passage.kind"),
        (lambda m: setattr(m.brief.passages[0].passage, "language", ""), "brief.passages[0].passage.language"),
        (
            lambda m: setattr(m.brief.passages[0].passage, "trust", passage_pb2.TRUST_LEVEL_QUARANTINED),
            "brief.passages[0].passage.trust",
        ),
        (lambda m: setattr(m.brief.passages[0].passage.span, "start", 10**6), "brief.passages[0].passage.span"),
        (
            lambda m: setattr(m.brief.passages[0].passage, "document_digest", "ab"),
            "brief.passages[0].passage.document_digest",
        ),
        (lambda m: m.brief.passages[0].passage.flags.append(77), "brief.passages[0].passage.flags[0]"),
    ],
)
def test_a_wrong_field_is_named(spoil: Callable[[pb.StreamAdviceRequest], None], field: str) -> None:
    message = request(US_FAMILY)

    spoil(message)

    assert field in violations(message)


def test_all_violations_are_collected() -> None:
    message = request(US_FAMILY)
    message.brief.language = "fr"
    message.brief.goal = "a yacht"

    assert violations(message) == ["brief.language", "brief.goal"]


def test_chinese_text_needs_chinese_values() -> None:
    message = request(cn_saver())
    message.brief.facts[0].rendered.zh = ""

    assert violations(message) == ["brief.facts[0].rendered.zh"]


@pytest.mark.parametrize("text", ["", "   ", "x" * 2001])
def test_a_question_has_1_to_2000_characters(text: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        question_of(question(text, "en", ()))

    assert [violation.field for violation in caught.value.violations] == ["question"]


def test_an_unstated_trust_counts_as_external() -> None:
    message = request(US_FAMILY)
    message.brief.passages[0].passage.trust = passage_pb2.TRUST_LEVEL_UNSPECIFIED

    assert brief_of(message).passages[0].trust == "EXTERNAL"


def test_a_segment_goes_out_with_its_bindings_and_sources() -> None:
    one = brief(US_FAMILY)
    plan = next(plan for plan in outline(one) if plan.kind == "RISK")

    segment = verified("RISK", plan.template("en"), one, "TEMPLATE", "a reason", Attempt())
    message = segment_message(segment, 4)

    shown = {b.fact_id: message.text[b.span.start : b.span.end] for b in message.bindings if b.fact_id}
    assert shown == {fact_id: one.fact[fact_id].rendered.en for fact_id in shown}
    assert message.sequence == 4
    assert [citation.handle for citation in message.citations] == [
        b.citation_handle for b in message.bindings if b.citation_handle
    ]
    assert message.citations[0].quote == one.passage[message.citations[0].handle].text
