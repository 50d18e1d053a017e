from __future__ import annotations

import pytest
from fiducia.advice.v1.segment_pb2 import Binding, Segment
from fiducia.advisor.v1.proposal_pb2 import Proposal
from fiducia.type.v1.fact_pb2 import Fact
from fiducia.type.v1.text_pb2 import LocalText, Span

from benchmarks.audit.numbers import unbound_numbers
from benchmarks.audit.planted import planted_errors
from benchmarks.audit.quantities import find_quantities


def _proposal() -> Proposal:
    text = "The cost is 0.12% a year [1]; class C3 allows R3."
    bindings = [
        Binding(span=Span(start=12, end=17), fact_id="cost_share"),
        Binding(span=Span(start=25, end=28), citation_handle=1),
    ]
    return Proposal(
        id="p",
        facts=[Fact(id="cost_share", rendered=LocalText(en="0.12%", zh="0.12%"))],
        segments=[Segment(sequence=1, text=text, language="en", bindings=bindings)],
    )


def test_a_proposal_whose_numbers_are_all_facts_is_clean() -> None:
    assert unbound_numbers(_proposal()) == []


@pytest.mark.parametrize("name", [name for name, _ in planted_errors(_proposal())])
def test_each_planted_error_is_found(name: str) -> None:
    damaged = dict(planted_errors(_proposal()))[name]

    assert unbound_numbers(damaged)


@pytest.mark.parametrize(
    "text",
    [
        "7%",
        "８％",
        "½ of it",
        "about thirty funds",
        "a third of this",
        "one percent",
        "it doubled",
        "two-thirds",
        "Ⅳ",
        "①",
    ],
)
def test_english_quantities_are_found(text: str) -> None:
    assert find_quantities(text, "en")


@pytest.mark.parametrize(
    "text", ["占三成", "百分之五", "翻倍", "一半资金", "十二个月", "两倍", "二十万元", "三分之一", "约五千元"]
)
def test_chinese_quantities_are_found(text: str) -> None:
    assert find_quantities(text, "zh")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("no one can know; at once; someone", "en"),
        ("class C3 may hold R3", "en"),
        ("第三方机构", "zh"),
        ("一般而言，资产配置应当一致、统一", "zh"),
        ("万一急用", "zh"),
    ],
)
def test_words_that_count_nothing_are_left_alone(text: str, language: str) -> None:
    assert find_quantities(text, language) == []
