"""The lines of a PDF as Markdown: paragraphs, lists, headings by the size of their letters, and tables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from services.retrieval.formats.pdf_lines import Grid, Line, usual_size
from services.retrieval.formats.plain import as_words, one_line, rows_of, table_of

Page = Sequence[Line | Grid]

# Letters so much larger than those of the text make a heading.
_LARGER = 1.15
_LONGEST_HEADING = 200
_DEEPEST_HEADING = 4
# Lines of a paragraph stand closer than this share of the letters' height.
_PARAGRAPH_GAP = 0.9
_INDENT = 1.5
# A table goes on where one of as many columns begins the next page between the same edges, in points.
_SAME_EDGE = 2.0
_ALIKE = 0.1
# Running heads and page numbers stand in these parts of a page and recur on most pages.
_MARGIN = 0.1
_RECURS = 0.6
_FEWEST_PAGES = 3

_BULLET = re.compile(r"^(?:[•●▪■◆◦○·‣⁃➢\ufffd]|[-–*](?=\s))\s*(?=\S)")
_NUMBERED = re.compile(
    r"^(?:\d{1,3}[.)、．]|[（(](?:\d{1,2}|[a-z]|[一二三四五六七八九十]+)[)）]|[一二三四五六七八九十]+、)"
)
_SENTENCE_END = re.compile(r"[.!?:;。！？：；]$")
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True)
class _Block:
    """A paragraph, heading (level 1 or more) or table, and the number of its page from 0.

    is_rest: whether it is the rest of the table before it, rows without a header.
    """

    text: str
    page: int
    level: int = 0
    is_rest: bool = False


def markdown_of(pages: Sequence[Page]) -> tuple[str, tuple[int, ...]]:
    """Return the text and the offset at which each page begins; running heads and page numbers are left out."""
    recurring = _recurring(pages)
    kept = [[item for item in page if not _is_recurring(item, recurring)] for page in pages]
    body = usual_size(item for page in kept for item in page if isinstance(item, Line))
    sizes = _heading_sizes(kept, body)
    blocks: list[_Block] = []
    for number, page in enumerate(kept):
        rest = _rest(kept[number - 1], page) if number else []
        if rest:
            blocks.append(_Block(rows_of(rest), number, is_rest=True))
        blocks += _blocks(page[1:] if rest else page, number, sizes)
    return _joined(list(_with_words_below(blocks)), len(pages))


def _recurring(pages: Sequence[Page]) -> set[str]:
    if len(pages) < _FEWEST_PAGES:
        return set()
    seen = Counter(key for page in pages for key in {_key(item) for item in page if _is_marginal(item)})
    return {key for key, count in seen.items() if count >= max(_FEWEST_PAGES, _RECURS * len(pages))}


def _is_marginal(item: Line | Grid) -> bool:
    return isinstance(item, Line) and not _MARGIN < item.place < 1 - _MARGIN


def _key(item: Line | Grid) -> str:
    return _DIGITS.sub("#", item.text) if isinstance(item, Line) else ""


def _is_recurring(item: Line | Grid, recurring: set[str]) -> bool:
    return _is_marginal(item) and _key(item) in recurring


def _heading_sizes(pages: Sequence[Page], body: float) -> list[float]:
    """Return the sizes of letters that make a heading, largest first."""
    sizes = {round(item.size * 2) / 2 for page in pages for item in page if isinstance(item, Line)}
    return sorted((size for size in sizes if size >= _LARGER * body), reverse=True)


def _rest(before: Page, page: Page) -> list[list[str]]:
    """Return the rows with which a page goes on with the table at the end of the page before, without its header."""
    if not (before and page and isinstance(last := before[-1], Grid) and isinstance(first := page[0], Grid)):
        return []
    is_under = all(abs(last.box[side] - first.box[side]) < _SAME_EDGE for side in (0, 2))
    if not is_under or len(last.rows[0]) != len(first.rows[0]):
        return []
    is_repeated = first.rows[0] == last.rows[0]
    return [list(row) for row in first.rows[is_repeated:]]


def _blocks(page: Page, number: int, sizes: Sequence[float]) -> Iterator[_Block]:
    right = max((item.x1 for item in page if isinstance(item, Line)), default=0.0)
    gathered: list[Line] = []
    for item in page:
        if isinstance(item, Line) and gathered and _goes_on(gathered, item, right):
            gathered.append(item)
            continue
        yield from _closed(gathered, number, sizes)
        gathered = [item] if isinstance(item, Line) else []
        if isinstance(item, Grid):
            yield _Block(table_of([list(row) for row in item.rows]), number)
    yield from _closed(gathered, number, sizes)


def _goes_on(lines: Sequence[Line], line: Line, right: float) -> bool:
    """Say whether a line belongs to the paragraph of those before it."""
    last = lines[-1]
    gap = line.top - last.bottom
    is_near = -last.size < gap < _PARAGRAPH_GAP * last.size and abs(line.size - last.size) <= _ALIKE * last.size
    begins = _BULLET.match(line.text) or _NUMBERED.match(line.text)
    is_indented = len(lines) > 1 and line.x0 > last.x0 + _INDENT * line.size
    is_ended = _SENTENCE_END.search(last.text) and last.x1 < right - 2 * _INDENT * last.size
    return is_near and not (begins or is_indented or is_ended)


def _closed(lines: Sequence[Line], number: int, sizes: Sequence[float]) -> Iterator[_Block]:
    if not lines:
        return
    text = one_line("\n".join(line.text for line in lines))
    size = round(lines[0].size * 2) / 2
    if size in sizes and len(text) <= _LONGEST_HEADING:
        yield _Block(text, number, min(sizes.index(size) + 1, _DEEPEST_HEADING))
    elif bullet := _BULLET.match(text):
        yield _Block(f"- {as_words(text[bullet.end() :])}", number)
    else:
        yield _Block(as_words(text), number)


def _with_words_below(blocks: Iterable[_Block]) -> Iterator[_Block]:
    """Turn a heading with nothing below it into a paragraph: a search finds words below headings only."""
    for block, following in pairwise([*blocks, _Block("", 0, 1)]):
        is_bare = 0 < following.level <= block.level
        yield _Block(as_words(block.text), block.page) if is_bare else block


def _joined(blocks: Sequence[_Block], count: int) -> tuple[str, tuple[int, ...]]:
    parts: list[str] = []
    begins: list[int] = []
    at = 0
    for block in blocks:
        between = "" if not parts else "\n" if block.is_rest else "\n\n"
        words = f"{'#' * block.level} {block.text}" if block.level else block.text
        parts.append(between + words)
        # A page without words begins where the next words do.
        begins += [at + len(between)] * (block.page + 1 - len(begins))
        at += len(between) + len(words)
    return "".join(parts), (*begins, *[at] * (count - len(begins)))
