"""An answer to a question: sentences of passages, word for word, each with its source, or an abstention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.advice.brief import Brief, Fact
from services.advice.ebnf import either, literal
from services.advice.grammar_phrases import openings
from services.advice.outline import join
from services.advice.prompt import answer_prompt
from services.advice.segment import Attempt, Segment, Unverified, verified
from services.advice.sentences import Quote, is_clean, quotable
from services.advice.terms import coverage, terms_of, weights_of
from services.advice.verify import problems
from services.advice.writer import Writer, WriterUnavailable
from services.advice.writing import TOKENS_PER_LINE, Rules

MAX_SENTENCES = 3
# What the model chooses from: few enough to read, and none much worse than the best.
MAX_CANDIDATES = 6
_WITHIN_BEST = 0.55
# A sentence with its title and heading must cover this part of the question's weight; below it the passages
# speak of something else. Set on the questions in the tests.
MIN_COVERAGE = 0.4
# Title and heading say what a sentence is about, less surely than its own words.
_CONTEXT_SHARE = 0.6
# Retrieval knows more of meaning than shared words do: its first passage is worth this much coverage, the second
# half of it, and so on. The first sentence of a passage says what the passage is about.
_RANK_BONUS = 0.3
_FIRST_SENTENCE_BONUS = 0.15
# A question that names what a fact measures wants its value.
_FACT_BONUS = 0.3
_ABSTENTION = {
    "none": {
        "en": "No source in the knowledge base was found for this question, so there is no answer that could be cited.",
        "zh": "知识库中没有找到与该问题相关的资料，因此无法给出有出处的回答。",
    },
    "apart": {
        "en": "The sources that were found do not speak of this question, so there is no answer that could be cited.",
        "zh": "找到的资料没有涉及该问题，因此无法给出有出处的回答。",
    },
    "numbers": {
        "en": "The sources that were found cannot be quoted here; please ask your adviser.",
        "zh": "找到的资料不宜在此直接引用，请咨询您的投资顾问。",
    },
}


@dataclass(frozen=True)
class Abstained:
    """There is nothing to cite."""

    reason: str


@dataclass(frozen=True)
class Candidate:
    """A sentence that may be part of the answer.

    covered: the part of the question that it speaks of, 0 to 1. score: for ranking, with its place considered.
    """

    text: str
    covered: float
    score: float


async def answer(question: str, brief: Brief, rules: Rules, writer: Writer) -> Segment | Abstained:
    """Return the verified answer, or why there is none."""
    if not brief.passages:
        return Abstained(_ABSTENTION["none"][brief.language])
    if not any(quotable(passage, brief.language) for passage in brief.passages):
        return Abstained(_ABSTENTION["numbers"][brief.language])
    best = candidates(question, brief)
    if not best:
        return Abstained(_ABSTENTION["apart"][brief.language])
    texts = [candidate.text for candidate in best]
    if rules.silence or len(openings(texts[1:])) < 2:
        return _template(texts, brief, rules.silence or "fixed wording: too few sentences fit to choose", Attempt())
    return await _asked(question, texts, brief, writer)


def candidates(question: str, brief: Brief) -> list[Candidate]:
    """Return the sentences and facts that cover the question best, best first; empty if none covers enough."""
    wanted = terms_of(question)
    quotes = [quotable(passage, brief.language) for passage in brief.passages]
    weights = weights_of([terms_of(f"{quote.text} {_context(quote)}") for group in quotes for quote in group])
    found = [
        _candidate(quote, rank, place, wanted, weights)
        for rank, group in enumerate(quotes)
        for place, quote in enumerate(group)
    ]
    found += [Candidate(text, covered, covered + _FACT_BONUS) for text, covered in _facts(wanted, weights, brief)]
    return _best([one for one in found if not problems(one.text, brief)])


def answer_grammar(texts: Sequence[str]) -> str:
    """Return the grammar: the openings of one or two sentences, a line each."""
    sentence = either(literal(opening) for opening in openings(texts))
    return f'root ::= sentence ("\\n" sentence){{0,{MAX_SENTENCES - 2}}}\nsentence ::= {sentence}\n'


async def _asked(question: str, texts: Sequence[str], brief: Brief, writer: Writer) -> Segment:
    """Return the best sentence and what the model adds to it: left to lead, a small model opened with a side remark."""
    lead, *others = texts
    prompt, grammar = answer_prompt(question, others, brief.language), answer_grammar(others)
    digest = prompt.digest(grammar)
    try:
        output = await writer.write(prompt, grammar, TOKENS_PER_LINE[brief.language] * (MAX_SENTENCES - 1))
    except WriterUnavailable as error:
        return _template(texts, brief, str(error), Attempt(digest))
    attempt = Attempt(digest, output)
    by_opening = openings(others)
    picked = [by_opening.get(line) for line in output.strip("\n").split("\n")]
    sentences = list(dict.fromkeys([lead, *(text for text in picked if text is not None)]))
    if None in picked:
        return _template(texts, brief, "rejected: the output is not one of the offered choices", attempt)
    try:
        return verified("ANSWER", join(sentences, brief.language), brief, "MODEL", "", attempt)
    except Unverified as error:
        return _template(texts, brief, f"rejected: {error}", attempt)


def _template(texts: Sequence[str], brief: Brief, reason: str, attempt: Attempt) -> Segment:
    # Two sentences answer most questions of the tests; a third is more often beside the point.
    return verified("ANSWER", join(list(texts[:2]), brief.language), brief, "TEMPLATE", reason, attempt)


def _candidate(quote: Quote, rank: int, place: int, wanted: frozenset[str], weights: Mapping[str, float]) -> Candidate:
    own = terms_of(quote.text)
    alone = coverage(wanted, own, weights)
    around = coverage(wanted, own | terms_of(_context(quote)), weights)
    covered = alone + _CONTEXT_SHARE * (around - alone)
    bonus = _RANK_BONUS / (rank + 1) + (_FIRST_SENTENCE_BONUS if place == 0 else 0.0)
    return Candidate(quote.pointed, covered, covered + bonus)


def _context(quote: Quote) -> str:
    passage = quote.passage
    return f"{passage.title} {passage.heading} {passage.product_id}"


def _facts(wanted: frozenset[str], weights: Mapping[str, float], brief: Brief) -> list[tuple[str, float]]:
    """Return the facts that the question asks for, each under its label, for a value is what such a question wants."""
    found = []
    for fact in brief.facts:
        label = fact.label.of(brief.language)
        if is_clean(label):
            covered = coverage(wanted, terms_of(f"{label} {_subject(fact, brief)}"), weights)
            found.append((_labelled(fact, brief), covered))
    return found


def _labelled(fact: Fact, brief: Brief) -> str:
    product = f"{{{{p:{fact.subject_id}}}}}" if fact.subject_id in brief.product else ""
    label = fact.label.of(brief.language)
    if brief.language == "zh":
        return f"所给数据中，{product}{'：' if product else ''}{label}为{{{{f:{fact.id}}}}}。"
    return f"Among the figures given, {product}{': ' if product else ''}{label} is {{{{f:{fact.id}}}}}."


def _subject(fact: Fact, brief: Brief) -> str:
    product = brief.product.get(fact.subject_id)
    return f"{product.id} {product.name.of(brief.language)}" if product else ""


def _best(found: Sequence[Candidate]) -> list[Candidate]:
    ranked = sorted((one for one in found if one.covered >= MIN_COVERAGE), key=lambda one: -one.score)
    return [one for one in ranked if one.score >= ranked[0].score * _WITHIN_BEST][:MAX_CANDIDATES]
