"""Segments and citations as messages."""

from __future__ import annotations

from datetime import date

from fiducia.advice.v1 import segment_pb2
from fiducia.type.v1 import citation_pb2, text_pb2
from google.type import date_pb2

from services.advice.brief import Passage
from services.advice.render import Binding
from services.advice.segment import Segment


def segment_message(segment: Segment, sequence: int) -> segment_pb2.Segment:
    """Return the segment as a message at its place, from 1."""
    return segment_pb2.Segment(
        sequence=sequence,
        kind=segment_pb2.SegmentKind.Value(f"SEGMENT_KIND_{segment.kind}"),
        origin=segment_pb2.SegmentOrigin.Value(f"SEGMENT_ORIGIN_{segment.origin}"),
        text=segment.text,
        pointer_text=segment.pointer_text,
        bindings=[_binding(binding) for binding in segment.bindings],
        citations=[citation_message(passage) for passage in segment.sources],
        fallback_reason=segment.fallback_reason,
        prompt_digest=segment.attempt.prompt_digest,
        model_output=segment.attempt.model_output,
        language=segment.language,
    )


def citation_message(passage: Passage) -> citation_pb2.Citation:
    """Return the passage as the citation under its handle."""
    heading = f" > {passage.heading}" if passage.heading else ""
    return citation_pb2.Citation(
        handle=passage.handle,
        passage_id=passage.id,
        document_id=passage.document_id,
        document_digest=passage.document_digest,
        title=f"{passage.title}{heading}",
        source=passage.source,
        span=text_pb2.Span(start=passage.span[0], end=passage.span[1]),
        quote=passage.text,
        effective_date=_date(passage.effective_date),
        expiry_date=_date(passage.expiry_date),
    )


def _binding(binding: Binding) -> segment_pb2.Binding:
    span = text_pb2.Span(start=binding.start, end=binding.end)
    if binding.kind == "f":
        return segment_pb2.Binding(span=span, fact_id=binding.id)
    if binding.kind == "p":
        return segment_pb2.Binding(span=span, product_id=binding.id)
    return segment_pb2.Binding(span=span, citation_handle=int(binding.id))


def _date(day: date | None) -> date_pb2.Date | None:
    return None if day is None else date_pb2.Date(year=day.year, month=day.month, day=day.day)
