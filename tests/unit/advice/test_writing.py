"""Segments: the model's choice, and the template wherever anything is wrong."""

from __future__ import annotations

import pytest

from services.advice.outline import outline
from services.advice.prompt import phrases_prompt, prompts_digest
from services.advice.writing import Rules, silence_of, write_segment
from tests.unit.advice.briefs import US_FAMILY, brief, cn_saver
from tests.unit.advice.writers import ChoosingWriter, FailingWriter, SayingWriter

BRIEFS = [brief(US_FAMILY), brief(cn_saver())]
PHRASES, FREE = Rules("PHRASES"), Rules("FREE_WORDS")
FAMILY = BRIEFS[0]
RISK = next(plan for plan in outline(FAMILY) if plan.kind == "RISK")


@pytest.mark.parametrize("one", BRIEFS)
async def test_every_open_segment_is_the_models_choice(one) -> None:  # type: ignore[no-untyped-def]
    writer = ChoosingWriter(3)

    segments = [await write_segment(plan, one, PHRASES, writer) for plan in outline(one)]

    by_model = [segment for segment in segments if segment.origin == "MODEL"]
    assert len(by_model) == len(segments) - 1
    assert all(segment.attempt.model_output and len(segment.attempt.prompt_digest) == 64 for segment in by_model)
    assert [segment.fallback_reason for segment in segments if segment.origin == "TEMPLATE"] == ["fixed wording"]


async def test_choices_differ_and_every_one_is_delivered() -> None:
    texts = {(await write_segment(RISK, FAMILY, PHRASES, ChoosingWriter(seed))).text for seed in range(8)}

    assert len(texts) > 4


async def test_a_silent_model_leaves_the_template_with_the_reason() -> None:
    writer = ChoosingWriter()

    segment = await write_segment(RISK, FAMILY, Rules("PHRASES", "the model server does not answer"), writer)

    assert (segment.origin, segment.fallback_reason) == ("TEMPLATE", "the model server does not answer")
    assert writer.prompts == []


async def test_a_model_that_fails_leaves_the_template_with_the_reason() -> None:
    segment = await write_segment(RISK, FAMILY, PHRASES, FailingWriter())

    assert (segment.origin, segment.fallback_reason) == ("TEMPLATE", "the model took too long")
    assert segment.attempt.prompt_digest
    assert segment.text


@pytest.mark.parametrize("output", ["", "It will rise by 12%.", "You should\nbuy now", "a\nb\nc\nd\ne"])
async def test_an_output_outside_the_grammar_is_refused_and_kept(output: str) -> None:
    segment = await write_segment(RISK, FAMILY, PHRASES, SayingWriter(output))

    assert segment.origin == "TEMPLATE"
    assert segment.fallback_reason.startswith("rejected")
    assert segment.attempt.model_output == output
    assert "12%" not in segment.text


async def test_free_words_with_a_number_are_refused() -> None:
    segment = await write_segment(RISK, FAMILY, FREE, SayingWriter("About a third of {{p:VTI}} may be lost."))

    assert segment.origin == "TEMPLATE"
    assert "number outside a fact" in segment.fallback_reason


async def test_free_words_that_hold_are_delivered() -> None:
    label = FAMILY.fact["volatility"].label.en
    said = f"The portfolio has a {label} ({{{{f:volatility}}}})."

    segment = await write_segment(RISK, FAMILY, FREE, SayingWriter(said))

    assert segment.origin == "MODEL"
    assert segment.text == f"The portfolio has a {label} (9.4%)."


def test_prompts_hold_no_amount_of_money() -> None:
    amounts = [fact.rendered.en for fact in FAMILY.facts if fact.is_money]
    prompts = [phrases_prompt(plan, FAMILY) for plan in outline(FAMILY) if not plan.fixed]

    assert amounts
    assert not [p for p in prompts for amount in amounts if amount in p.system + p.user]


def test_prompts_of_a_brief_begin_alike_and_are_short() -> None:
    prompts = [phrases_prompt(plan, FAMILY) for plan in outline(FAMILY) if not plan.fixed]

    assert len({prompt.system for prompt in prompts}) == 1
    # About four characters a token: 500 tokens.
    assert max(len(prompt.system + prompt.user) for prompt in prompts) < 2_000


def test_the_digest_of_the_prompts_is_stable() -> None:
    assert prompts_digest() == prompts_digest()
    assert len(prompts_digest()) == 64


@pytest.mark.parametrize(
    ("language", "languages", "available", "is_set_up", "reason"),
    [
        ("en", ("en",), True, True, ""),
        ("zh", ("en",), True, True, "the model is not set to write this language: zh"),
        ("en", ("en",), False, True, "the model server does not answer"),
        ("en", ("en",), False, False, "no model is set up"),
    ],
)
def test_the_reason_for_silence(
    language: str, languages: tuple[str, ...], available: bool, is_set_up: bool, reason: str
) -> None:
    assert silence_of(language, languages, available, is_set_up) == reason  # type: ignore[arg-type]
