"""Answers are sentences of passages with their sources, or an abstention."""

from __future__ import annotations

import pytest
from fiducia.advice.v1 import advice_service_pb2 as pb
from fiducia.retrieval.v1 import passage_pb2

from services.advice.answer import Abstained, answer, answer_grammar, candidates
from services.advice.segment import Segment
from services.advice.sentences import sentences_of
from services.advice.wire import question_of
from services.advice.writing import Rules
from tests.unit.advice.brief_facts import facts_of
from tests.unit.advice.briefs import US_FAMILY, passages_of, question, request
from tests.unit.advice.writers import ChoosingWriter, FailingWriter, SayingWriter

PHRASES = Rules("PHRASES")


async def asked(text: str, language: str, *guides: str) -> Segment | Abstained:
    question_, brief = question_of(question(text, language, guides))
    return await answer(question_, brief, PHRASES, ChoosingWriter(1))


@pytest.mark.parametrize(
    ("text", "language", "guides", "word"),
    [
        ("How do bond prices react when interest rates rise?", "en", ("duration", "gold"), "yield"),
        ("Why do fees matter in the long run?", "en", ("fees-and-costs", "gold"), "fee"),
        ("What does R3 mean?", "en", ("product-risk-levels",), "R3"),
        ("货币基金和银行存款有什么区别？", "zh", ("money-market-funds", "costs"), "存款"),
        ("利率上升时债券基金会怎样？", "zh", ("duration", "gold"), "债券"),
    ],
)
async def test_the_best_sentence_speaks_of_the_question(
    text: str, language: str, guides: tuple[str, ...], word: str
) -> None:
    question_, brief = question_of(question(text, language, guides))

    best = candidates(question_, brief)

    assert word in best[0].text


@pytest.mark.parametrize(
    ("text", "language", "guides"),
    [
        ("What is the weather in Paris tomorrow?", "en", ("gold", "fees-and-costs")),
        ("Who won the football match?", "en", ("gold", "a-bad-year")),
        ("Which horse should I bet on?", "en", ("diversification",)),
        ("明天北京天气怎么样？", "zh", ("gold", "costs")),
        ("???", "en", ("gold",)),
    ],
)
async def test_a_question_on_something_else_is_not_answered(text: str, language: str, guides: tuple[str, ...]) -> None:
    reply = await asked(text, language, *guides)

    assert isinstance(reply, Abstained)
    assert reply.reason


async def test_no_passages_no_answer() -> None:
    reply = await asked("What is duration?", "en")

    assert isinstance(reply, Abstained)
    assert "No source" in reply.reason


async def test_every_sentence_of_an_answer_stands_in_the_passage_it_cites() -> None:
    request_ = question("How do bond prices react when interest rates rise?", "en", ("duration", "inflation"))
    question_, brief = question_of(request_)

    for seed in range(6):
        reply = await answer(question_, brief, PHRASES, ChoosingWriter(seed))

        assert isinstance(reply, Segment)
        assert reply.origin == "MODEL"
        assert reply.sources
        sources = " ".join(source.text for source in reply.sources)
        said = [s for s in sentences_of(reply.text.replace("[", "\n\n[")) if not s.startswith("[")]
        assert all(sentence in " ".join(sources.split()) for sentence in said)


async def test_flagged_passages_are_never_used() -> None:
    flagged = {"flags": [passage_pb2.PASSAGE_FLAG_INSTRUCTION_LIKE]}
    found = [pb.CitablePassage(handle=1, passage=passages_of("duration", "en", **flagged)[0])]
    request_ = pb.StreamAnswerRequest(question="What is duration?", language="en", passages=found)
    question_, brief = question_of(request_)

    assert isinstance(await answer(question_, brief, PHRASES, ChoosingWriter()), Abstained)


async def test_a_model_that_fails_leaves_the_best_sentences() -> None:
    question_, brief = question_of(question("Why do fees matter?", "en", ("fees-and-costs",)))

    reply = await answer(question_, brief, PHRASES, FailingWriter())

    assert isinstance(reply, Segment)
    assert (reply.origin, reply.fallback_reason) == ("TEMPLATE", "the model took too long")
    assert reply.sources


async def test_an_output_outside_the_grammar_is_not_delivered() -> None:
    question_, brief = question_of(question("Why do fees matter?", "en", ("fees-and-costs",)))

    reply = await answer(question_, brief, PHRASES, SayingWriter("Fees are 5 % always."))

    assert isinstance(reply, Segment)
    assert reply.origin == "TEMPLATE"
    assert "5 %" not in reply.text


async def test_a_fact_that_is_asked_for_is_shown_under_its_label() -> None:
    request_ = question("What is the yearly volatility of the portfolio?", "en", ("a-bad-year",))
    request_.facts.extend(facts_of(US_FAMILY))
    request_.products.extend(request(US_FAMILY).brief.products)
    question_, brief = question_of(request_)

    texts = [candidate.text for candidate in candidates(question_, brief)]

    assert any("{{f:volatility}}" in text for text in texts)


def test_the_grammar_of_answers_has_one_or_two_lines_without_digits() -> None:
    grammar = answer_grammar(["A first sentence. {{c:1}}", "Another sentence. {{c:2}}"])

    assert grammar == 'root ::= sentence ("\\n" sentence){0,1}\nsentence ::= ("A first" | "Another sentence.")\n'
