"""What a builder is doing, in words, from the event it told last."""

from __future__ import annotations

from collections.abc import Mapping


def report_words(report: Mapping[str, object]) -> str:
    """Return `embedding 64 of 2,133 (use-multilingual-v3)`; an event that says no more is its own words."""
    match report:
        case {"event": "embedding" | "embedded", "encoder": str(encoder)}:
            return f"embedding {_count(report.get('done', 0))} of {_count(_total(report))} ({encoder})"
        case {"event": "writing", "passages": int(passages)}:
            return f"writing {passages:,} passages"
        case {"event": "chunked", "passages": int(passages)}:
            return f"cut into {passages:,} passages"
    return str(report.get("detail") or report.get("event") or "started")


def _total(report: Mapping[str, object]) -> object:
    return report.get("of", report.get("passages", 0))


def _count(number: object) -> str:
    return f"{number:,}" if isinstance(number, int) else str(number)
