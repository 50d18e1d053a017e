"""The results as text or as Markdown."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from benchmarks.retrieval.metrics import MEASURES, Estimate
from benchmarks.retrieval.scores import NDCG, Scores

Row = Sequence[str]


def table(rows: Sequence[Row], markdown: bool) -> str:
    """Return rows, the first of them the header, as a Markdown table or in columns."""
    widths = [max(_width(cell) for cell in column) for column in zip(*rows, strict=True)]
    padded = [[cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)] for row in rows]
    if not markdown:
        return "\n".join("  ".join(row).rstrip() for row in padded)
    ruler = ["-" * width for width in widths]
    return "\n".join(f"| {' | '.join(row)} |" for row in [padded[0], ruler, *padded[1:]])


def measures_table(scores: Scores) -> list[Row]:
    """Return every system with every measure."""
    rows: list[Row] = [("", *MEASURES)]
    return rows + [
        (name, *(str(scores.mean(name, number)) for number in range(len(MEASURES)))) for name in scores.values
    ]


def parts_table(parts: dict[str, Scores], systems: Sequence[str]) -> list[Row]:
    """Return nDCG@10 of every system on every part."""
    rows: list[Row] = [("nDCG@10", "questions", *systems)]
    return rows + [
        (name, str(len(part.questions)), *(f"{part.mean(system, NDCG).mean:.3f}" for system in systems))
        for name, part in parts.items()
    ]


def interval(found: Estimate) -> str:
    """Return a mean with its 95 % interval."""
    return f"{found.mean:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
