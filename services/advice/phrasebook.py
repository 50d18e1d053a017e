"""Phrases by segment and slot, as a copywriter keeps them in phrases/<language>.yaml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

import yaml

from services.advice.brief import Brief
from services.advice.pointers import is_offered

# A phrase under this condition is offered only where its slot would be empty without it.
NOTHING_ELSE = "nothing_else"


@dataclass(frozen=True)
class Phrase:
    """A sentence with pointers and $fragments, and the claims under which it is true."""

    say: str
    needs: frozenset[str] = frozenset()


@dataclass(frozen=True)
class SegmentPhrases:
    """The slots of one kind of segment, the orders they may take, and the subjects it quotes from passages."""

    slots: Mapping[str, tuple[Phrase, ...]]
    orders: tuple[tuple[str, ...], ...]
    quotes: tuple[str, ...]


@dataclass(frozen=True)
class Phrasebook:
    """All phrases of a language."""

    goals: Mapping[str, str]
    segments: Mapping[str, SegmentPhrases]


@cache
def phrasebook(language: str) -> Phrasebook:
    """Return the phrases of "en" or "zh"; read once."""
    text = (files("services.advice") / "phrases" / f"{language}.yaml").read_text(encoding="utf-8")
    raw: dict[str, Any] = yaml.safe_load(text)
    goals = raw.pop("goals")
    return Phrasebook(goals, {kind: _segment(entry) for kind, entry in raw.items()})


def offered(phrases: Sequence[Phrase], claims: frozenset[str], fragments: Mapping[str, str], brief: Brief) -> list[str]:
    """Return the phrases that are true of this brief and whose pointers it can fill, in order, without repeats."""
    filled = [_filled(phrase, fragments) for phrase in phrases if phrase.needs <= claims]
    texts = [text for text in filled if text is not None and is_offered(text, brief)]
    if not texts and NOTHING_ELSE not in claims:
        return offered(phrases, claims | {NOTHING_ELSE}, fragments, brief)
    return list(dict.fromkeys(texts))


def _filled(phrase: Phrase, fragments: Mapping[str, str]) -> str | None:
    try:
        return Template(phrase.say).substitute(fragments)
    except KeyError:
        return None


def _segment(entry: dict[str, Any]) -> SegmentPhrases:
    slots = {name: tuple(_phrase(item) for item in items) for name, items in entry.items() if name.islower()}
    orders = tuple(tuple(order) for order in entry.get("ORDERS", [list(slots)]))
    return SegmentPhrases(slots, orders, tuple(entry.get("QUOTES", ())))


def _phrase(item: str | dict[str, str]) -> Phrase:
    if isinstance(item, str):
        return Phrase(item)
    return Phrase(item["say"], frozenset(need.strip() for need in item["if"].split(",")))
