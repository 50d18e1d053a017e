"""Grammars: what the model can write, and what it cannot."""

from __future__ import annotations

import random
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.advice.brief import Brief, Fact, LocalText
from services.advice.ebnf import han_without_numerals
from services.advice.grammar_free import free_grammar
from services.advice.grammar_phrases import chosen, has_choice, openings, phrases_grammar, written
from services.advice.numbers import find_quantities
from services.advice.outline import SegmentPlan, Slot, outline
from services.advice.pointers import POINTER, pointers_of, without_pointers
from services.advice.verify import problems
from tests.unit.advice.briefs import US_FAMILY, brief, cn_saver
from tests.unit.advice.writers import sampled

BRIEFS = [brief(US_FAMILY), brief(cn_saver())]
PLANS = [(one, plan) for one in BRIEFS for plan in outline(one) if not plan.fixed]
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
IDS = st.sets(st.from_regex(r"[a-z][a-z0-9_]{0,8}(\.[a-z0-9]{1,5})?", fullmatch=True), min_size=1, max_size=12)


def fact(id_: str) -> Fact:
    words = LocalText("yearly volatility", "年化波动率")
    return Fact(id_, "PORTFOLIO", "", words, "PERCENT", 0.1, LocalText("10%", "10%"), "HYPOTHETICAL")


@given(IDS, st.sampled_from(["en", "zh"]))
@settings(deadline=None)
def test_the_free_grammar_has_exactly_the_pointers_of_its_plan(ids: set[str], language: str) -> None:
    one = Brief(language, tuple(fact(id_) for id_ in (*ids, "not_in_the_plan")))  # type: ignore[arg-type]
    plan = SegmentPlan("RISK", "", (Slot("x", tuple(f"{{{{f:{id_}}}}}" for id_ in sorted(ids))),), ((0,),))

    grammar = free_grammar(plan, one)

    assert {pointer.id for pointer in pointers_of(grammar)} == ids


@pytest.mark.parametrize(("one", "plan"), PLANS)
def test_no_literal_of_a_grammar_has_a_number_outside_a_pointer(one: Brief, plan: SegmentPlan) -> None:
    for grammar in (phrases_grammar(plan), free_grammar(plan, one)):
        literals = [without_pointers(text) for text in LITERAL.findall(grammar)]
        assert [text for text in literals if find_quantities(text) or re.search(r"\d", text)] == []


def test_no_character_class_has_a_digit_or_a_chinese_numeral() -> None:
    spans = re.findall(r"(.)-(.)", han_without_numerals()[1:-1])
    reachable = {chr(point) for first, last in spans for point in range(ord(first), ord(last) + 1)}

    assert not reachable & set("〇零一二三四五六七八九十百千万亿两半倍0123456789")
    assert {"股", "债", "成", "分"} <= reachable


@pytest.mark.parametrize(("one", "plan"), PLANS)
def test_whatever_the_narrow_grammar_yields_is_true_text_of_the_brief(one: Brief, plan: SegmentPlan) -> None:
    chooser = random.Random(7)
    allowed = {phrase for slot in plan.slots for phrase in slot.phrases}

    for _ in range(20):
        choice = chosen(plan, sampled(phrases_grammar(plan), chooser))

        assert choice is not None
        assert set(choice.sentences) <= allowed
        assert len(choice.sentences) == len(plan.slots)
        assert problems(written(choice, one.language), one) == []


@given(st.lists(st.text(alphabet="ab ", min_size=1, max_size=12).map(str.strip).filter(bool), min_size=1, unique=True))
def test_openings_tell_every_phrase_apart(phrases: list[str]) -> None:
    normal = list(dict.fromkeys(" ".join(phrase.split()) for phrase in phrases))

    assert sorted(openings(normal).values()) == sorted(normal)


def test_an_opening_never_asks_the_model_for_a_digit() -> None:
    phrases = ["R3 covers broad funds.", "R4 covers single countries.", "Funds differ."]

    assert list(openings(phrases).values()) == ["Funds differ."]


def test_the_order_of_slots_is_read_back() -> None:
    slots = (Slot("a", ("First words here.", "Other words.")), Slot("b", ("Second words.", "Different words.")))
    plan = SegmentPlan("RISK", "", slots, ((0, 1), (1, 0)))

    choice = chosen(plan, "Different words.\nOther words.")

    assert choice is not None
    assert choice.sentences == ("Different words.", "Other words.")


@pytest.mark.parametrize("output", ["", "Nonsense", "First words\nSecond words\nSecond words", "5 % more"])
def test_what_the_grammar_does_not_yield_is_no_choice(output: str) -> None:
    slots = (Slot("a", ("First words here.", "Other words.")), Slot("b", ("Second words.", "Different words.")))

    assert chosen(SegmentPlan("RISK", "", slots, ((0, 1),)), output) is None


def test_a_single_phrase_is_no_choice() -> None:
    assert not has_choice(SegmentPlan("RISK", "", (Slot("a", ("Only one way.",)),), ((0,),)))


def test_the_free_grammar_refuses_a_plan_without_anything_to_point_at() -> None:
    plan = SegmentPlan("RISK", "", (Slot("a", ("No pointer.",)),), ((0,),))

    with pytest.raises(ValueError, match="nothing to point at"):
        free_grammar(plan, Brief("en"))


def test_a_label_with_a_number_keeps_its_fact_out_of_the_free_grammar() -> None:
    one = Brief("en", (replace(fact("a"), label=LocalText("score of 100")), fact("b")))
    plan = SegmentPlan("RISK", "", (Slot("x", ("{{f:a}} {{f:b}}",)),), ((0,),))

    assert [match[2] for match in POINTER.finditer(free_grammar(plan, one))] == ["b"]
