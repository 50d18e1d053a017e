"""Delivered segments as tests look at them."""

from __future__ import annotations

from fiducia.advice.v1 import segment_pb2


def unbound(segment: segment_pb2.Segment) -> str:
    """Return the text with every bound stretch blanked out."""
    text = list(segment.text)
    for binding in segment.bindings:
        text[binding.span.start : binding.span.end] = "\x00" * (binding.span.end - binding.span.start)
    return "".join(text)
