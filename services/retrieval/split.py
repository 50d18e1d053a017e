"""Cut a stretch of text into pieces that fit, at the best border there is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

Fits = Callable[[int, int], bool]
Borders = Callable[[str], Iterable[int]]

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")
_CLAUSE_END = re.compile(r"(?<=[,;:])\s+|(?<=[，；：、])")
_WORD_END = re.compile(r"\s+")


def split_to_fit(text: str, start: int, end: int, fits: Fits, blocks: Sequence[int] = ()) -> list[tuple[int, int]]:
    """Return spans that fit and together hold every character of text[start:end] but white space at their edges.

    fits:   whether the stretch [start, end) is short enough.
    blocks: offsets where a paragraph begins: the preferred borders, before sentences, clauses and words.
    A single character that does not fit is returned as it is: it cannot be cut.
    """
    levels: list[Borders] = [lambda _: blocks, _ends(_SENTENCE_END), _ends(_CLAUSE_END), _ends(_WORD_END), _everywhere]
    return _split(text, start, end, fits, levels)


def _split(text: str, start: int, end: int, fits: Fits, levels: Sequence[Borders]) -> list[tuple[int, int]]:
    start, end = _trimmed(text, start, end)
    if start == end:
        return []
    if not levels or fits(start, end):
        return [(start, end)]
    edges = [start, *(border for border in levels[0](text) if start < border < end), end]
    spans: list[tuple[int, int]] = []
    at = 0
    while at < len(edges) - 1:
        reach = _longest_fit(text, edges, at, fits)
        if reach == at:
            spans += _split(text, edges[at], edges[at + 1], fits, levels[1:])
            at += 1
        else:
            spans.append(_trimmed(text, edges[at], edges[reach]))
            at = reach
    return [span for span in spans if span[0] < span[1]]


def _longest_fit(text: str, edges: list[int], at: int, fits: Fits) -> int:
    """Return the last edge up to which everything from edge `at` fits, or `at` if not even one step does."""
    low, high = at, len(edges) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if fits(*_trimmed(text, edges[at], edges[middle])):
            low = middle
        else:
            high = middle - 1
    return low


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    lead = len(piece) - len(piece.lstrip())
    return (start + lead, start + len(piece.rstrip())) if piece.strip() else (start, start)


def _ends(pattern: re.Pattern[str]) -> Borders:
    return lambda text: (match.end() for match in pattern.finditer(text))


def _everywhere(text: str) -> Iterable[int]:
    return range(len(text))
