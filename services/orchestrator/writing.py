"""What the orchestrator gives to the advice service and gets back: briefs, questions, segments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from services.orchestrator.facts.fact import Fact
from services.orchestrator.naming import NamedProduct
from services.orchestrator.passages import CitablePassage

Strictness = Literal["PHRASES", "FREE_WORDS"]
Target = Literal["FACT", "PRODUCT", "CITATION", "NOTHING"]


@dataclass(frozen=True)
class Brief:
    """Everything that a proposal's text may say. goal: a word of the contract, never the client's own."""

    language: str
    facts: tuple[Fact, ...]
    products: tuple[NamedProduct, ...]
    passages: tuple[CitablePassage, ...]
    goal: str


@dataclass(frozen=True)
class Question:
    """A question with everything that its answer may say."""

    text: str
    language: str
    passages: tuple[CitablePassage, ...]
    facts: tuple[Fact, ...] = ()
    products: tuple[NamedProduct, ...] = ()


@dataclass(frozen=True)
class Binding:
    """A stretch of text that a pointer filled: what it points at, and the words that stand there."""

    kind: Target
    target: str
    shown: str


@dataclass(frozen=True)
class Segment:
    """A verified piece of text, as far as the orchestrator judges it.

    unbound: its text without the stretches that pointers filled.
    message: the segment exactly as the advice service sent it; it is recorded untouched.
    """

    sequence: int
    kind: str
    language: str
    text: str
    unbound: str
    bindings: tuple[Binding, ...]
    message: bytes

    def targets(self, kind: Target) -> frozenset[str]:
        """Return the identifiers of everything of this kind that the text shows."""
        return frozenset(binding.target for binding in self.bindings if binding.kind == kind)


@dataclass(frozen=True)
class WritingSummary:
    """The end of a text. model: the one that was asked, empty where none was."""

    model: str


@dataclass(frozen=True)
class Abstention:
    """There is nothing to cite. reason: in words, in the language asked for."""

    reason: str
