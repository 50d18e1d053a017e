"""Answer a question from the knowledge base with sources, or say why there is no answer."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass

from services.orchestrator.catalogue.load import Catalogue
from services.orchestrator.facts.fact import Fact
from services.orchestrator.mentions import mentioned_products, named, stated_facts
from services.orchestrator.passages import citable
from services.orchestrator.ports import Upstream
from services.orchestrator.queries import PassageFilter, SearchQuery
from services.orchestrator.situation_check import LANGUAGES
from services.orchestrator.text_check import unbound_quantities
from services.orchestrator.writing import Abstention, Question, Segment
from shared.errors import FieldViolation, InvalidRequest

log = logging.getLogger(__name__)

MAX_QUESTION = 2_000
# What a reader takes in at a glance; more passages only dilute a small model's attention.
_PASSAGES = 6

# CJK ideographs with extension A and the compatibility block; Chinese text has them in every sentence.
_CHINESE = re.compile(r"[㐀-䶿一-鿿豈-﫿]")

_NOTHING_FOUND = {
    "en": "The knowledge base has no passage on this question that may be cited.",
    "zh": "知识库中没有可供引用、与该问题相关的内容。",
}


@dataclass(frozen=True)
class AskedQuestion:
    """A checked question. jurisdiction: "" for sources of every country."""

    text: str
    language: str
    jurisdiction: str = ""


@dataclass(frozen=True)
class Reply:
    """Text with sources, or an abstention; index_snapshot: the one that was searched; facts: what the text may show."""

    outcome: tuple[Segment, ...] | Abstention
    index_snapshot: str
    facts: tuple[Fact, ...] = ()


def language_of(text: str) -> str:
    """Return the language that a text is written in: "zh" where it has Chinese characters, else "en"."""
    return "zh" if _CHINESE.search(text) else "en"


def asked_question(text: str, language: str, jurisdiction: str, known: tuple[str, ...]) -> AskedQuestion:
    """Return a checked question; an empty language means that of the question.

    known: the jurisdictions there are. Raises InvalidRequest with every violation.
    """
    violations = [*_text_violations(text)]
    if language and language not in LANGUAGES:
        violations.append(FieldViolation("language", f'found "{language}", expected en or zh; or leave it empty'))
    if jurisdiction and jurisdiction not in known:
        expected = " or ".join(known)
        violations.append(
            FieldViolation("jurisdiction", f'found "{jurisdiction}", expected {expected}; or leave it empty')
        )
    if violations:
        raise InvalidRequest(violations)
    return AskedQuestion(text.strip(), language or language_of(text), jurisdiction)


async def answer_question(question: AskedQuestion, catalogue: Catalogue, upstream: Upstream) -> Reply:
    """Search, let the answer be written from what may be cited, and return it. Raises UpstreamUnavailable."""
    (found,) = await upstream.retrieval.search([_query(question)], "")
    passages = citable([found])
    if not passages:
        return Reply(Abstention(_NOTHING_FOUND[question.language]), found.index_snapshot)
    products = mentioned_products(question.text, catalogue, question.jurisdiction)
    asked = Question(
        text=question.text,
        language=question.language,
        passages=passages,
        facts=tuple(fact for product in products for fact in stated_facts(product, catalogue)),
        products=tuple(named(product, catalogue) for product in products),
    )
    return Reply(await _outcome(asked, upstream), found.index_snapshot, asked.facts)


async def _outcome(asked: Question, upstream: Upstream) -> tuple[Segment, ...] | Abstention:
    segments: list[Segment] = []
    async for part in upstream.advice.answer(asked):
        if isinstance(part, Abstention):
            return part
        if unbound_quantities(part, asked):
            log.error("segment refused", extra={"sequence": part.sequence, "kind": part.kind})
        else:
            segments.append(part)
    return tuple(segments) or Abstention(_NOTHING_FOUND[asked.language])


def _query(question: AskedQuestion) -> SearchQuery:
    # Passages in the language of the answer: its text is made of their words.
    only = PassageFilter(
        languages=(question.language,), jurisdictions=(question.jurisdiction,) if question.jurisdiction else ()
    )
    return SearchQuery(question.text, _PASSAGES, only)


def _text_violations(text: str) -> list[FieldViolation]:
    if not text.strip():
        return [FieldViolation("question", "is empty; write a question of 1 to 2,000 characters")]
    if len(text) > MAX_QUESTION:
        return [FieldViolation("question", f"has {len(text)} characters, expected at most 2,000; shorten it")]
    return []
