"""What must hold besides of text whose words the model chose freely: each sentence stands on the brief."""

from __future__ import annotations

import re

from services.advice.brief import Brief, Fact
from services.advice.lexicon import DOWNWARD, INSTRUCTION, MOVEMENT, SUPERLATIVE, UPWARD, promises
from services.advice.pointers import Pointer, pointers_of, without_pointers
from services.advice.support import shape_problems, support_problems, vocabulary
from services.advice.terms import terms_of
from services.advice.verify import problems

_SENTENCE = re.compile(r"[^.。]+(?:\.|。|$)(?:\s*\{\{c:\d+\}\})*")
# A source must share at least this part of a sentence's content words; set so that a sentence on bonds does
# not pass with a source on gold, see the tests.
MIN_SOURCE_OVERLAP = 0.4


def free_problems(text: str, brief: Brief) -> list[str]:
    """Return why freely worded text may not be delivered; empty if it may."""
    found = problems(text, brief)
    words = without_pointers(text)
    found += [f"promise: {word}" for word in promises(words, denials_allowed=False)]
    found += [f"superlative: {match[0]}" for match in SUPERLATIVE.finditer(words)]
    found += [f"instruction: {match[0]}" for match in INSTRUCTION.finditer(words)]
    found += [f"change over time: {match[0]}" for match in MOVEMENT.finditer(words)]
    sentences, known = free_sentences(text), vocabulary(brief)
    for sentence in sentences:
        found += _sentence_problems(sentence, brief) + support_problems(without_labels(sentence, brief), brief, known)
    found += shape_problems(text, sentences)
    return list(dict.fromkeys(found))


def free_sentences(text: str) -> list[str]:
    """Return the sentences of a pointer text, each with the sources behind it."""
    # A dot inside a pointer ends nothing: pointers are hidden while sentences are cut.
    hidden = re.sub(r"\{\{[fp]:[^}]*\}\}", lambda m: m[0].replace(".", "\x01"), text)
    return [match[0].replace("\x01", ".").strip() for match in _SENTENCE.finditer(hidden) if match[0].strip()]


def labelled(fact: Fact, language: str) -> str:
    """Return a fact as free text must show it: its subject in words, then the value, so that none goes astray."""
    value = f"{{{{f:{fact.id}}}}}"
    return f"{fact.label.zh}（{value}）" if language == "zh" else f"{fact.label.en} ({value})"


def _sentence_problems(sentence: str, brief: Brief) -> list[str]:
    pointers = [pointer for pointer in pointers_of(sentence) if pointer.kind != "c"]
    if not pointers:
        return ["a sentence without a fact or product"]
    facts = [brief.fact[pointer.id] for pointer in pointers if pointer.kind == "f" and pointer.id in brief.fact]
    found = [
        f"a value without its label: {fact.id}" for fact in facts if labelled(fact, brief.language) not in sentence
    ]
    return (
        found + _wrong_subjects(pointers, facts) + _wrong_directions(sentence, brief) + _unfit_sources(sentence, brief)
    )


def _wrong_subjects(pointers: list[Pointer], facts: list[Fact]) -> list[str]:
    named = {pointer.id for pointer in pointers if pointer.kind == "p"}
    about = {fact.subject_id for fact in facts if fact.subject_kind == "PRODUCT"}
    return [
        f"a value of {subject} beside another product" for subject in sorted(about) if named and subject not in named
    ]


def _wrong_directions(sentence: str, brief: Brief) -> list[str]:
    """Return the comparisons that no two facts around them support."""
    found = []
    plain = without_labels(sentence, brief)
    for pattern, sign in ((UPWARD, 1.0), (DOWNWARD, -1.0)):
        for match in pattern.finditer(without_pointers(plain)):
            if not _is_supported(plain, match.start(), match.end(), sign, brief):
                found.append(f"comparison without two facts that agree: {match[0]}")
    return found


def without_labels(sentence: str, brief: Brief) -> str:
    """Return the sentence with facts bare, for words of a label compare nothing."""
    for pointer in pointers_of(sentence):
        if pointer.kind == "f" and pointer.id in brief.fact:
            sentence = sentence.replace(labelled(brief.fact[pointer.id], brief.language), pointer.written)
    return sentence


def _is_supported(sentence: str, start: int, end: int, sign: float, brief: Brief) -> bool:
    pointers = [pointer for pointer in pointers_of(sentence) if pointer.kind == "f" and pointer.id in brief.fact]
    before = [brief.fact[pointer.id] for pointer in pointers if pointer.end <= start]
    after = [brief.fact[pointer.id] for pointer in pointers if pointer.start >= end]
    if len(before) != 1 or len(after) != 1 or before[0].unit != after[0].unit:
        return False
    left, right = before[0].amount, after[0].amount
    return left is not None and right is not None and sign * (left - right) > 0.0


def _unfit_sources(sentence: str, brief: Brief) -> list[str]:
    said = terms_of(without_pointers(sentence))
    found = []
    for pointer in pointers_of(sentence):
        if pointer.kind != "c" or not pointer.id.isdecimal() or int(pointer.id) not in brief.passage:
            continue
        passage = brief.passage[int(pointer.id)]
        shared = said & terms_of(f"{passage.title} {passage.heading} {passage.text}")
        if not passage.is_quotable:
            found.append(f"a source that may not be cited: {pointer.id}")
        elif not said or len(shared) / len(said) < MIN_SOURCE_OVERLAP:
            found.append(f"a source on another matter: {pointer.id}")
    return found
