"""Cut a stretch of text into pieces that fit, at the best border there is."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence

Fits = Callable[[int, int], bool]
# The places inside [start, end) of a text where it may be cut, ascending.
Borders = Callable[[str, int, int], Iterable[int]]

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")
_CLAUSE_END = re.compile(r"(?<=[,;:])\s+|(?<=[，；：、])")
_WORD_END = re.compile(r"\s+")


def split_to_fit(
    text: str, start: int, end: int, fits: Fits, blocks: Sequence[int] = (), rows: Sequence[int] = ()
) -> list[tuple[int, int]]:
    """Return spans that fit and together hold every character of text[start:end] but white space at their edges.

    fits:   whether the stretch [start, end) is short enough.
    blocks: offsets where a paragraph begins, ascending: the preferred borders, before sentences, clauses and words.
    rows:   offsets where a row of a table begins, ascending: borders for a table that does not fit whole.
    A single character that does not fit is returned as it is: it cannot be cut.
    """
    inner = [_ends(_SENTENCE_END), _ends(_CLAUSE_END), _ends(_WORD_END), _everywhere]
    return _split(text, start, end, fits, [_given(blocks), _given(rows), *inner])


def _split(text: str, start: int, end: int, fits: Fits, levels: Sequence[Borders]) -> list[tuple[int, int]]:
    start, end = _trimmed(text, start, end)
    if start == end:
        return []
    if not levels or fits(start, end):
        return [(start, end)]
    edges = [start, *levels[0](text, start, end), end]
    spans: list[tuple[int, int]] = []
    at = 0
    while at < len(edges) - 1:
        reach = _longest_fit(text, edges, at, fits)
        if reach == at:
            parts = _split(text, edges[at], edges[at + 1], fits, levels[1:])
            # What led up to a long table or list ("The fund charges:") stays with its first part where it can.
            if spans and parts and fits(spans[-1][0], parts[0][1]):
                parts[0] = (spans.pop()[0], parts[0][1])
            spans += parts
            at += 1
        else:
            spans.append(_trimmed(text, edges[at], edges[reach]))
            at = reach
    return [span for span in spans if span[0] < span[1]]


def _longest_fit(text: str, edges: list[int], at: int, fits: Fits) -> int:
    """Return the last edge up to which everything from edge `at` fits, or `at` if not even one step does."""
    low, high = at, len(edges) - 1
    # Doubling the step first: a long text is measured in pieces about as long as one that fits.
    step = 1
    while low + step < high:
        if not fits(*_trimmed(text, edges[at], edges[low + step])):
            high = low + step - 1
            break
        low += step
        step *= 2
    while low < high:
        middle = (low + high + 1) // 2
        if fits(*_trimmed(text, edges[at], edges[middle])):
            low = middle
        else:
            high = middle - 1
    return low


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def _given(borders: Sequence[int]) -> Borders:
    return lambda _, start, end: borders[bisect_right(borders, start) : bisect_left(borders, end)]


def _ends(pattern: re.Pattern[str]) -> Borders:
    return lambda text, start, end: (at for m in pattern.finditer(text, start, end) if start < (at := m.end()) < end)


def _everywhere(_: str, start: int, end: int) -> Iterable[int]:
    return range(start + 1, end)
