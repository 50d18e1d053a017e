"""Verification of pointer texts and of what is delivered, with planted errors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.advice.outline import outline
from services.advice.render import render
from services.advice.verify import delivered_problems, problems
from services.advice.verify_free import free_problems, free_sentences
from tests.unit.advice.briefs import US_FAMILY, brief, us_family_zh

FAMILY = brief(US_FAMILY)
FAMILY_ZH = brief(us_family_zh())


def test_a_sound_text_passes() -> None:
    assert problems("Its yearly volatility is {{f:volatility}}, on the assumptions stated.", FAMILY) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("The volatility of the portfolio is {{f:no_such_fact}}.", "unknown pointer"),
        ("The fund {{p:ZZZZ}} is held in this portfolio.", "unknown pointer"),
        ("A source says so about this portfolio. {{c:999}}", "unknown pointer"),
        ("The volatility of the portfolio is {{f:vol atility}}.", "malformed pointer"),
        ("The volatility of the portfolio is {{x:volatility}}.", "malformed pointer"),
        ("The volatility is 9.4% or {{f:volatility}} of it.", "number outside a fact"),
        ("The volatility is about nine, or {{f:volatility}}.", "number outside a fact"),
        ("One third of {{p:VTI}} is in technology companies.", "number outside a fact"),
        ("It is twice {{f:volatility}} in a year such as this.", "number outside a fact"),
        ("The result is minus {{f:volatility}} in such a year.", "sign stands before"),
        ("The result is -{{f:volatility}} in such a year as this.", "sign stands before"),
        ("The return of {{f:expected_return_net}} is guaranteed.", "promise"),
        ("With {{p:BND}} you cannot lose money in any year.", "promise"),
        ("{{p:VTI}} is the best fund that there is to be had.", "praise"),
        ("{{p:VTI}}", "too short"),
        ("", "too short"),
    ],
)
def test_an_english_text_with_an_error_is_refused_with_the_reason(text: str, reason: str) -> None:
    assert any(found.startswith((reason, f"a {reason}")) for found in problems(text, FAMILY))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("组合约有三成资金投向{{p:VTI}}这只产品。", "number outside a fact"),
        ("年化波动率为{{f:volatility}}，收益可能翻倍。", "number outside a fact"),
        ("年化波动率约为百分之九，即{{f:volatility}}。", "number outside a fact"),
        ("年化波动率为１２％，即{{f:volatility}}。", "number outside a fact"),
        ("投资金额为{{f:total_value}}万元，请您留意。", "number outside a fact"),
        ("持有{{p:BND}}保本，并且稳赚不赔。", "promise"),
        ("{{p:BND}}是最好的选择，适合所有投资者。", "praise"),
    ],
)
def test_a_chinese_text_with_an_error_is_refused_with_the_reason(text: str, reason: str) -> None:
    assert any(found.startswith(reason) for found in problems(text, FAMILY_ZH))


@pytest.mark.parametrize(
    "text",
    [
        "Returns are not guaranteed, and there is no guarantee of any kind.",
        "This is no promise; nobody can promise a result of this kind.",
    ],
)
def test_the_denial_of_a_promise_is_no_promise(text: str) -> None:
    assert problems(text, FAMILY) == []


def test_the_denial_of_a_promise_is_no_promise_in_chinese() -> None:
    assert problems("本产品不保证收益，也不承诺保本，请您知悉。", FAMILY_ZH) == []


def test_each_delivered_template_passes_and_ten_planted_errors_are_found() -> None:
    plans = outline(FAMILY)[:10]
    planted = ["7", "３", "half", "a third", "twice", "三成", "翻倍", "dozens", "5%", "fifty percent"]

    for plan, error in zip(plans, planted, strict=True):
        rendered = render(plan.template("en"), FAMILY)
        assert delivered_problems(rendered.text, rendered.bindings) == []
        assert delivered_problems(f"{rendered.text} {error}", rendered.bindings) != []


@given(st.sampled_from(sorted(FAMILY.fact)), st.text(alphabet="abc 中文，", max_size=30))
def test_bindings_show_exactly_what_the_facts_say(fact_id: str, around: str) -> None:
    rendered = render(f"{around}{{{{f:{fact_id}}}}}{around}{{{{p:VTI}}}}", FAMILY)

    shown = [rendered.text[binding.start : binding.end] for binding in rendered.bindings]
    assert shown == [FAMILY.fact[fact_id].rendered.en, FAMILY.product["VTI"].name.en]
    assert rendered.text == f"{around}{shown[0]}{around}{shown[1]}"


def test_a_binding_outside_the_text_is_found() -> None:
    rendered = render("Volatility is {{f:volatility}} here.", FAMILY)

    assert delivered_problems(rendered.text[:10], rendered.bindings) != []


def label(fact_id: str) -> str:
    return f"{FAMILY.fact[fact_id].label.en} ({{{{f:{fact_id}}}}})"


def test_free_words_that_rest_on_the_brief_pass() -> None:
    text = f"The portfolio holds {{{{p:VTI}}}} for growth of the market, with {label('weight.vti')}."

    # "growth" is a change over time that no fact states.
    assert free_problems(text, FAMILY) == ["change over time: growth"]
    assert free_problems(text.replace("growth", "shares"), FAMILY) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("The portfolio is spread over many companies.", "a sentence without a fact or product"),
        ("The portfolio has a volatility of {{f:volatility}} a year.", "a value without its label"),
        (f"{{{{p:BND}}}} comes with {label('weight.vti')} today.", "a value of VTI beside another product"),
        (f"The client is a seasoned investor of {label('client_class')}.", "word without support"),
        (f"The {label('volatility')} is higher than {label('current_volatility')}.", "comparison without"),
        (f"The portfolio has a higher {label('volatility')}.", "comparison without"),
        (f"It is the largest position, with {label('weight.vti')}.", "superlative"),
        (f"The {label('volatility')} is not guaranteed by the portfolio.", "promise"),
        (f"Hold {label('weight.vti')}. Hold {label('weight.vti')}.", "a sentence twice"),
        (f"The portfolio holds {label('weight.vti')},.", "broken punctuation"),
    ],
)
def test_free_words_without_support_are_refused(text: str, reason: str) -> None:
    assert any(found.startswith(reason) for found in free_problems(text, FAMILY))


def test_a_comparison_that_the_facts_bear_out_passes() -> None:
    text = f"The {label('volatility')} is lower than the {label('current_volatility')}."

    assert free_problems(text, FAMILY) == []


def test_a_source_on_another_matter_is_refused() -> None:
    gold = next(p.handle for p in FAMILY.passages if p.product_id == "IAU")

    found = free_problems(f"The portfolio spreads bonds over issuers with {{{{p:BND}}}}. {{{{c:{gold}}}}}", FAMILY)

    assert f"a source on another matter: {gold}" in found


def test_sentences_keep_the_dots_of_pointers_and_their_sources() -> None:
    text = "A has {{f:weight.vti}}. B is here. {{c:1}} 三。{{c:2}}"

    assert free_sentences(text) == ["A has {{f:weight.vti}}.", "B is here. {{c:1}}", "三。{{c:2}}"]
