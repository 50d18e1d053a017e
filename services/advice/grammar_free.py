"""The wide grammar: free words without digits; values, names and sources are this brief's pointers."""

from __future__ import annotations

from collections.abc import Iterable

from services.advice.brief import Brief
from services.advice.ebnf import either, han_without_numerals, literal
from services.advice.numbers import find_quantities
from services.advice.numerals_zh import FIXED_WORDS
from services.advice.outline import SegmentPlan
from services.advice.pointers import pointers_of
from services.advice.verify_free import labelled

MAX_SENTENCES = 3
_MAX_WORDS = 12
_MAX_HAN = 18


def free_grammar(plan: SegmentPlan, brief: Brief) -> str:
    """Return a grammar for one to three sentences about what the plan's phrases point at.

    Each sentence holds at least one value or product. Raises ValueError if the plan points at none.
    """
    targets, sources = free_pointers(plan, brief)
    if not targets:
        raise ValueError(f"{plan.kind}: nothing to point at")
    cite = either(literal(source) for source in sources) if sources else '""'
    rules = _chinese() if brief.language == "zh" else _english()
    return "\n".join([*rules, f"pointer ::= {either(map(literal, targets))}", f"cite ::= {cite}"]) + "\n"


def free_pointers(plan: SegmentPlan, brief: Brief) -> tuple[list[str], list[str]]:
    """Return what may stand for values and products, and the sources, of the plan's phrases."""
    pointers = {
        pointer.written: pointer for slot in plan.slots for phrase in slot.phrases for pointer in pointers_of(phrase)
    }
    facts = [brief.fact[p.id] for p in pointers.values() if p.kind == "f"]
    values = [labelled(fact, brief.language) for fact in facts if _is_sayable(fact.label.of(brief.language))]
    return values + _of_kind("p", pointers), _of_kind("c", pointers)


def _of_kind(kind: str, pointers: Iterable[str]) -> list[str]:
    return [written for written in pointers if written.startswith(f"{{{{{kind}:")]


def _is_sayable(label: str) -> bool:
    return bool(label) and not find_quantities(label) and "{" not in label and "}" not in label


def _english() -> list[str]:
    return [
        f'root ::= sentence (" " sentence){{0,{MAX_SENTENCES - 1}}}',
        'sentence ::= capital words " " pointer (words " " pointer){0,2} words? "." (" " cite)?',
        f'words ::= (" " word){{1,{_MAX_WORDS}}}',
        "capital ::= [A-Z] [a-z]{0,13}",
        'word ::= [a-z] [a-z\'-]{0,15} ","?',
    ]


def _chinese() -> list[str]:
    return [
        f"root ::= sentence{{1,{MAX_SENTENCES}}}",
        'sentence ::= run pointer (run pointer){0,2} run? "。" cite?',
        f'run ::= unit{{2,{_MAX_HAN}}} "，"?',
        f"unit ::= han | {either(literal(word) for word in FIXED_WORDS)}",
        f"han ::= {han_without_numerals()}",
    ]
