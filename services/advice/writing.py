"""One segment: asked of the model, verified, and replaced by its template where that fails."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal

from services.advice.brief import Brief, Language
from services.advice.grammar_free import free_grammar, free_pointers
from services.advice.grammar_phrases import chosen, has_choice, phrases_grammar, written
from services.advice.outline import SegmentPlan
from services.advice.prompt import free_prompt, phrases_prompt
from services.advice.segment import Attempt, Segment, Unverified, verified
from services.advice.verify_free import free_problems
from services.advice.writer import Writer, WriterUnavailable

log = logging.getLogger(__name__)

Strictness = Literal["PHRASES", "FREE_WORDS"]

# A line of opening words has under 16 tokens in English; a Chinese character takes up to three with a small
# English vocabulary.
TOKENS_PER_LINE = {"en": 40, "zh": 90}
_FREE_TOKENS = {"en": 260, "zh": 420}
_MAX_REASON = 300


@dataclass(frozen=True)
class Rules:
    """How the model may write: the freedom of its grammar, and why it is not asked at all (empty if it is)."""

    strictness: Strictness
    silence: str = ""


async def write_segment(plan: SegmentPlan, brief: Brief, rules: Rules, writer: Writer) -> Segment:
    """Return the verified segment: the model's words, or the template with the reason why."""
    silence = plan.fixed or rules.silence
    if not silence and not has_choice(plan):
        silence = "fixed wording: a single phrase fits"
    if silence:
        return _template(plan, brief, silence, Attempt())
    if rules.strictness == "FREE_WORDS":
        return await _free(plan, brief, writer)
    return await _phrases(plan, brief, writer)


async def _phrases(plan: SegmentPlan, brief: Brief, writer: Writer) -> Segment:
    prompt, grammar = phrases_prompt(plan, brief), phrases_grammar(plan)
    digest = prompt.digest(grammar)
    try:
        output = await writer.write(prompt, grammar, TOKENS_PER_LINE[brief.language] * len(plan.slots))
    except WriterUnavailable as error:
        return _template(plan, brief, str(error), Attempt(digest))
    attempt = Attempt(digest, output)
    choice = chosen(plan, output)
    if choice is None:
        return _template(plan, brief, "rejected: the output is not one of the offered choices", attempt)
    return _model(plan, brief, written(choice, brief.language), attempt)


async def _free(plan: SegmentPlan, brief: Brief, writer: Writer) -> Segment:
    targets, sources = free_pointers(plan, brief)
    if not targets:
        return _template(plan, brief, "fixed wording: no fact or product to write about", Attempt())
    prompt, grammar = free_prompt(plan, brief, targets, sources), free_grammar(plan, brief)
    digest = prompt.digest(grammar)
    try:
        output = await writer.write(prompt, grammar, _FREE_TOKENS[brief.language])
    except WriterUnavailable as error:
        return _template(plan, brief, str(error), Attempt(digest))
    attempt = Attempt(digest, output)
    found = free_problems(output.strip(), brief)
    if found:
        return _template(plan, brief, f"rejected: {'; '.join(found)}", attempt)
    return _model(plan, brief, output.strip(), attempt)


def _model(plan: SegmentPlan, brief: Brief, text: str, attempt: Attempt) -> Segment:
    try:
        return verified(plan.kind, text, brief, "MODEL", "", attempt)
    except Unverified as error:
        return _template(plan, brief, f"rejected: {error}", attempt)


def _template(plan: SegmentPlan, brief: Brief, reason: str, attempt: Attempt) -> Segment:
    text = plan.template(brief.language)
    if attempt.prompt_digest:
        log.info("model's text not used", extra={"segment": plan.kind, "language": brief.language})
    return verified(plan.kind, text, brief, "TEMPLATE", reason[:_MAX_REASON], attempt)


def silence_of(language: Language, languages: tuple[str, ...], available: bool, configured: bool) -> str:
    """Return why the model is not asked; empty if it is."""
    if not configured:
        return "no model is set up"
    if language not in languages:
        return f"the model is not set to write this language: {language}"
    return "" if available else "the model server does not answer"
