"""The narrow grammar: the model chooses one phrase a slot, and the order of the slots.

The model writes only as much of each phrase as tells it from the others, a line a slot. The rest of a chosen phrase
has no alternative left, so having the model spell it out would cost seconds and decide nothing: a segment of 90
tokens took 6 to 17 s on two busy cores, its opening words under two.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from services.advice.ebnf import either, literal
from services.advice.numbers import find_quantities
from services.advice.outline import SegmentPlan, join
from services.advice.pointers import without_pointers

_UNIT = re.compile(r"\{\{[^}]*\}\}\s*|[\u3000-\u9fff\uff00-\uffef]|[^\s{\u3000-\u9fff\uff00-\uffef]+\s*|[{}]\s*")


# Two English words or Chinese characters: a single one ("A", 从) says too little to choose by.
_MIN_UNITS = 2


@dataclass(frozen=True)
class Choice:
    """What the model chose: the sentences in the chosen order."""

    sentences: tuple[str, ...]


def openings(phrases: Sequence[str]) -> dict[str, str]:
    """Return each phrase under the fewest words that tell it from the others, what all begin with left out.

    A phrase that only a number would tell apart is left out: the model must not be able to write one.
    """
    raw = [_UNIT.findall(phrase) for phrase in phrases]
    units = [[unit.strip() for unit in parts] for parts in raw]
    shared = _shared_length(units)
    rests = [parts[shared:] for parts in units]
    found: dict[str, str] = {}
    for place, rest in enumerate(rests):
        others = [other for index, other in enumerate(rests) if index != place]
        length = _opening_length(rest, others)
        opening = "".join(raw[place][shared : shared + length]).strip()
        plain = without_pointers(opening)
        if opening and not re.search(r"\d", plain) and not find_quantities(plain):
            found[opening] = phrases[place]
    return found


def has_choice(plan: SegmentPlan) -> bool:
    """Return whether there is anything to choose."""
    return len(plan.orders) > 1 or any(len(openings(slot.phrases)) > 1 for slot in plan.slots)


def phrases_grammar(plan: SegmentPlan) -> str:
    """Return the grammar: lines of openings, in one of the plan's orders."""
    rules = [
        f"s{place} ::= {either(literal(opening) for opening in openings(slot.phrases))}"
        for place, slot in enumerate(plan.slots)
        if _is_open(plan, place)
    ]
    orders = dict.fromkeys(' "\\n" '.join(f"s{place}" for place in _open_order(plan, o)) for o in plan.orders)
    return "\n".join([f"root ::= {' | '.join(orders)}", *rules]) + "\n"


def chosen(plan: SegmentPlan, output: str) -> Choice | None:
    """Return the sentences that an output of the grammar stands for; None if it is no such output."""
    lines = output.strip("\n").split("\n")
    for order in plan.orders:
        picked = _read(plan, order, lines)
        if picked is not None:
            return Choice(tuple(picked))
    return None


def written(choice: Choice, language: str) -> str:
    """Return the chosen sentences as running pointer text."""
    return join(list(choice.sentences), language)


def _read(plan: SegmentPlan, order: tuple[int, ...], lines: list[str]) -> list[str] | None:
    if len(_open_order(plan, order)) != len(lines):
        return None
    left = iter(lines)
    picked = []
    for place in order:
        phrases = plan.slots[place].phrases
        if not _is_open(plan, place):
            picked.append(phrases[0])
            continue
        phrase = openings(phrases).get(next(left))
        if phrase is None:
            return None
        picked.append(phrase)
    return picked


def _is_open(plan: SegmentPlan, place: int) -> bool:
    # Where the order is free, a slot with a single phrase must be written as well, or its place is unknown.
    return len(openings(plan.slots[place].phrases)) > 1 or len(plan.orders) > 1


def _open_order(plan: SegmentPlan, order: tuple[int, ...]) -> list[int]:
    return [place for place in order if _is_open(plan, place)]


def _shared_length(units: Sequence[Sequence[str]]) -> int:
    if len(units) < 2:
        return 0
    shortest = min(len(unit) for unit in units)
    for place in range(shortest):
        if len({unit[place] for unit in units}) > 1:
            return place
    return max(shortest - 1, 0)


def _opening_length(rest: Sequence[str], others: Sequence[Sequence[str]]) -> int:
    length = 1
    while length < len(rest) and any(other[:length] == rest[:length] for other in others):
        length += 1
    # A pointer costs ten tokens and says nothing to a small model: an opening is not made longer for one.
    while length < min(_MIN_UNITS, len(rest)) and not rest[length].startswith("{{"):
        length += 1
    return length
