"""A finished proposal with its text, as the rules look at it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from services.orchestrator.case import Case
from services.orchestrator.facts.fact import Fact
from services.orchestrator.holdings import CurrentPortfolio
from services.orchestrator.recommendation import Recommendation
from services.orchestrator.suitability.universe import Universe


@dataclass(frozen=True)
class TextSegment:
    """A verified piece of text: what it is for, and which products and facts it shows.

    kind: the name of a fiducia.advice.v1.SegmentKind without prefix, such as "DISADVANTAGE".
    """

    sequence: int
    kind: str
    product_ids: frozenset[str] = frozenset()
    fact_ids: frozenset[str] = frozenset()
    text: str = ""


@dataclass(frozen=True)
class CheckedText:
    """The text, and every quantity in it that lies outside of a binding."""

    segments: tuple[TextSegment, ...]
    unbound_quantities: tuple[str, ...] = ()

    def has(self, kind: str) -> bool:
        """Return whether the text has a segment of this kind."""
        return any(segment.kind == kind for segment in self.segments)


@dataclass(frozen=True)
class Draft:
    """Everything that the rules are checked against."""

    case: Case
    universe: Universe
    current: CurrentPortfolio
    recommendation: Recommendation
    facts: tuple[Fact, ...]
    text: CheckedText

    @cached_property
    def fact_by_id(self) -> dict[str, Fact]:
        """The facts by identifier."""
        return {fact.id: fact for fact in self.facts}
