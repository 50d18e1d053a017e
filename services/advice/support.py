"""Whether freely chosen words have anything to rest on: the brief, its passages, or the firm's own phrases.

A lexical test: it stops "a seasoned investor" where no source speaks of one; it cannot tell a sentence that
recombines known words wrongly. That is why the narrow grammar is the default.
"""

from __future__ import annotations

import re

from services.advice.brief import Brief
from services.advice.phrasebook import phrasebook
from services.advice.pointers import POINTER, pointers_of
from services.advice.terms import terms_of

# Words that carry a sentence and claim nothing by themselves.
_NEUTRAL_EN = """
account add aim amount approach around asset aspect balance base basis become begin benefit bring calculate call case
change choice choose client compare consider contain contribute cost cover depend describe differ difference each
expect fact figure find fit follow fund give goal help hold holding include indicate invest investment investor keep
kind know lead level look main mainly make market matter mix money need note number offer order overall part person
place plan portfolio position possible present product proposal proposed provide purpose reach reason reduce reflect
regard relate relative remain represent require rest result risk role see seek serve set share show side situation
spread stand start stay steady still suggest suit support take term time together total toward use value way weigh
weight whole within without work year yearly yield
"""
# Pairs of Chinese characters cross word borders, so that some are new in any new sentence.
MIN_SUPPORTED_ZH = 0.6
_MAX_MENTIONS = 2
_ODD_PUNCTUATION = re.compile(r"[,，]\s*[.,。，]|[(（]\s*[)）]")


def support_problems(sentence: str, brief: Brief, known: frozenset[str]) -> list[str]:
    """Return the words of a sentence that nothing in `known` supports."""
    said = terms_of(POINTER.sub(" ", sentence))
    unknown = sorted(said - known)
    if brief.language == "zh":
        is_supported = len(unknown) <= (1.0 - MIN_SUPPORTED_ZH) * len(said)
        return [] if is_supported else ["words without support in the brief"]
    return [f"word without support in the brief: {word}" for word in unknown]


def shape_problems(text: str, sentences: list[str]) -> list[str]:
    """Return signs of a model that has lost its thread."""
    found = ["a sentence twice"] if len(set(sentences)) < len(sentences) else []
    mentions = [pointer.written for pointer in pointers_of(text) if pointer.kind != "c"]
    if any(mentions.count(mention) > _MAX_MENTIONS for mention in mentions):
        found.append("the same value again and again")
    if _ODD_PUNCTUATION.search(text):
        found.append("broken punctuation")
    return found


def vocabulary(brief: Brief) -> frozenset[str]:
    """Return the terms of everything that a text of this brief may rest on."""
    language = brief.language
    texts = [fact.label.of(language) for fact in brief.facts]
    for product in brief.products:
        risks = " ".join(risk.of(language) for risk in product.main_risks)
        texts.append(f"{product.name.of(language)} {product.asset_class_name.of(language)} {risks}")
    texts += [f"{p.title} {p.heading} {p.text}" for p in brief.passages if p.is_quotable and p.language == language]
    for segment in phrasebook(language).segments.values():
        texts += [POINTER.sub(" ", phrase.say) for phrases in segment.slots.values() for phrase in phrases]
    neutral = _NEUTRAL_EN if language == "en" else ""
    return terms_of(" ".join([*texts, neutral]))
