"""A verified piece of text, as it is delivered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from services.advice.brief import Brief, Language, Passage
from services.advice.render import Binding, render
from services.advice.verify import delivered_problems, problems

Origin = Literal["MODEL", "TEMPLATE"]


@dataclass(frozen=True)
class Attempt:
    """What was asked of the model and what came back; empty where it was not asked."""

    prompt_digest: str = ""
    model_output: str = ""


@dataclass(frozen=True)
class Segment:
    """A piece of advice text in which every number lies inside a binding."""

    kind: str
    origin: Origin
    text: str
    pointer_text: str
    bindings: tuple[Binding, ...]
    sources: tuple[Passage, ...]
    language: Language
    fallback_reason: str
    attempt: Attempt


class Unverified(Exception):
    """A text did not pass; the message holds the reasons."""


def verified(kind: str, pointer_text: str, brief: Brief, origin: Origin, reason: str, attempt: Attempt) -> Segment:
    """Return the rendered segment after checking the text before and after rendering; raises Unverified."""
    found = problems(pointer_text, brief)
    if found:
        raise Unverified("; ".join(found))
    rendered = render(pointer_text, brief)
    found = delivered_problems(rendered.text, rendered.bindings)
    if found:
        raise Unverified("; ".join(found))
    return Segment(
        kind=kind,
        origin=origin,
        text=rendered.text,
        pointer_text=pointer_text,
        bindings=rendered.bindings,
        sources=tuple(brief.passage[handle] for handle in rendered.handles),
        language=brief.language,
        fallback_reason=reason,
        attempt=attempt,
    )
