"""Checks that no number in a proposal's text is anything but a fact of that proposal."""

from __future__ import annotations

from dataclasses import dataclass

from fiducia.advice.v1.segment_pb2 import Binding, Segment
from fiducia.advisor.v1.proposal_pb2 import Proposal
from fiducia.type.v1.fact_pb2 import Fact

from benchmarks.audit.quantities import find_quantities


@dataclass(frozen=True)
class UnboundNumber:
    """A number that is not a fact: where it stands and why it does not count."""

    proposal_id: str
    sequence: int
    text: str
    why: str


def unbound_numbers(proposal: Proposal) -> list[UnboundNumber]:
    """Return the numbers of the delivered text that are no fact of this proposal.

    A number counts as a fact when it lies inside a binding, the binding's fact exists in the proposal, and the words at
    that place are exactly the fact's rendered value. Inside a binding to a product or a source, the words must be the
    product's name or the source's mark.
    """
    facts = {fact.id: fact for fact in proposal.facts}
    return [
        UnboundNumber(proposal.id, segment.sequence, number, why)
        for segment in proposal.segments
        for number, why in _unbound(segment, facts)
    ]


def _unbound(segment: Segment, facts: dict[str, Fact]) -> list[tuple[str, str]]:
    wrong = []
    for quantity in find_quantities(segment.text, segment.language):
        around = [b for b in segment.bindings if b.span.start <= quantity.start and quantity.end <= b.span.end]
        if not around:
            wrong.append((quantity.text, "stands outside every binding"))
            continue
        fault = _fault(around[0], segment, facts)
        if fault:
            wrong.append((quantity.text, fault))
    return wrong


def _fault(binding: Binding, segment: Segment, facts: dict[str, Fact]) -> str:
    words = segment.text[binding.span.start : binding.span.end]
    match binding.WhichOneof("target"):
        case "fact_id":
            fact = facts.get(binding.fact_id)
            if fact is None:
                return f"names the unknown fact {binding.fact_id}"
            rendered = fact.rendered.zh if segment.language == "zh" else fact.rendered.en
            return "" if words == rendered else f"reads {words!r}, but {binding.fact_id} is {rendered!r}"
        case "citation_handle":
            return (
                "" if words.strip("[] ") == str(binding.citation_handle) else f"reads {words!r}, not its source's mark"
            )
        case "product_id":
            return "" if words else "an empty product name"
        case _:
            return "a binding without target"
