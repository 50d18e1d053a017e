"""The orchestrator's own look at each segment: nothing may be shown that the brief, or the question, does not hold.

The advice service has verified a segment before it sends it. This is the second pair of eyes, and it is simpler:
digits outside of bindings, and bindings that show something else than their target.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.orchestrator.suitability.draft import CheckedText, TextSegment
from services.orchestrator.writing import Binding, Brief, Question, Segment

# \d covers the decimal digits of all scripts, full-width ones too.
_QUANTITY = re.compile(r"\d+(?:[.,]\d+)*\s?[%％]?")


def unbound_quantities(segment: Segment, brief: Brief | Question) -> tuple[str, ...]:
    """Return every stretch of a segment that is not what the brief says, as it is shown."""
    outside = [match.group() for match in _QUANTITY.finditer(segment.unbound)]
    return (*outside, *_false_bindings(segment, brief))


def extended(text: CheckedText, segment: Segment, unbound: tuple[str, ...]) -> CheckedText:
    """Return the text with one more segment, as the rules look at it."""
    looked_at = TextSegment(
        sequence=segment.sequence,
        kind=segment.kind,
        product_ids=segment.targets("PRODUCT"),
        fact_ids=segment.targets("FACT"),
        text=segment.text,
    )
    return CheckedText((*text.segments, looked_at), (*text.unbound_quantities, *unbound))


def _false_bindings(segment: Segment, brief: Brief | Question) -> Iterator[str]:
    facts = {fact.id: fact.rendered for fact in brief.facts}
    products = {product.product_id for product in brief.products}
    handles = {str(passage.handle) for passage in brief.passages}
    for binding in segment.bindings:
        match binding:
            case Binding("FACT", target, shown) if target in facts:
                rendered = facts[target]
                if shown != (rendered.zh_or_en if segment.language == "zh" else rendered.en):
                    yield shown
            case Binding("PRODUCT", target) if target in products:
                continue
            case Binding("CITATION", target) if target in handles:
                continue
            case Binding(shown=shown):
                yield shown or binding.target
