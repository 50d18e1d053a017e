"""The sections of a Markdown text: what stands under one heading, with the places where blocks begin."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

# Only blocks matter here; emphasis and links are read in headings alone, which keeps long texts cheap.
_PARSER = MarkdownIt("commonmark").enable("table").disable(["inline", "text_join"])
_HEADING_PARSER = MarkdownIt("commonmark")
# The parser counts lines by this rule; offsets stay those of the original text.
_LINE_END = re.compile(r"\r\n?|\n")
_BLOCK_LEVEL = 0
_ITEM_LEVEL = 1
# A heading longer than this is prose that was marked as one; the parser's time grows with it.
_LONGEST_HEADING = 1_000


@dataclass(frozen=True)
class Table:
    """The stretch [start, end) of a table, in code points.

    body: where the first row below the header begins.
    rows: where the second and later rows below the header begin, ascending.
    """

    start: int
    body: int
    end: int
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Section:
    """The stretch [start, end) below one heading, in code points.

    heading: headings above it, outermost first, joined by " > "; empty before the first heading.
    blocks:  offsets where a paragraph, list item, table or code block begins, ascending.
    tables:  the tables in it, in order.
    """

    heading: str
    start: int
    end: int
    blocks: tuple[int, ...]
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True)
class _Heading:
    depth: int
    words: str
    first_line: int
    line_after: int


def sections_of(text: str) -> list[Section]:
    """Return the sections in order; together with the headings they cover the whole text."""
    tokens = _PARSER.parse(text)
    lines = [0, *(match.end() for match in _LINE_END.finditer(text))]
    blocks = sorted({_offset(lines, line, text) for line in _block_lines(tokens)})
    tables = list(_tables(tokens, lines, text))
    starts = [table.start for table in tables]
    top = _Heading(0, "", 0, 0)
    end = _Heading(0, "", len(lines), len(lines))
    path: list[_Heading] = []
    sections = []
    for heading, following in pairwise([top, *_headings(tokens), end]):
        path = [above for above in path if above.depth < heading.depth] + [heading]
        start, stop = _offset(lines, heading.line_after, text), _offset(lines, following.first_line, text)
        inside = tuple(blocks[bisect_left(blocks, start) : bisect_left(blocks, stop)])
        tables_inside = tuple(tables[bisect_left(starts, start) : bisect_left(starts, stop)])
        words = " > ".join(part.words for part in path if part.words)
        sections.append(Section(words, start, stop, inside, tables_inside))
    return [section for section in sections if text[section.start : section.end].strip()]


def _headings(tokens: list[Token]) -> Iterator[_Heading]:
    for opening, inline in pairwise(tokens):
        # A heading inside a quotation or a list belongs to that block.
        if opening.type == "heading_open" and opening.level == _BLOCK_LEVEL and opening.map:
            depth = int(opening.tag.removeprefix("h"))
            yield _Heading(depth, _words(inline.content), opening.map[0], opening.map[1])


def _words(content: str) -> str:
    if len(content) > _LONGEST_HEADING:
        return " ".join(content.split())
    (inline,) = _HEADING_PARSER.parseInline(content)
    parts = (" " if child.type.endswith("break") else child.content for child in inline.children or ())
    return " ".join("".join(parts).split())


def _block_lines(tokens: list[Token]) -> Iterator[int]:
    for token in tokens:
        is_item = token.type == "list_item_open" and token.level == _ITEM_LEVEL
        if token.map and (token.level == _BLOCK_LEVEL or is_item):
            yield token.map[0]


def _tables(tokens: list[Token], lines: list[int], text: str) -> Iterator[Table]:
    """Return the tables that stand by themselves; one inside a quotation or a list belongs to that block."""
    first, last = 0, 0
    rows: list[int] = []
    for token in tokens:
        if token.type == "table_open" and token.map:
            first, last = token.map
            rows = []
        elif token.type == "tr_open" and token.map and token.map[0] > first:
            rows.append(_offset(lines, token.map[0], text))
        elif token.type == "table_close" and token.level == _BLOCK_LEVEL and rows:
            yield Table(_offset(lines, first, text), rows[0], _offset(lines, last, text), tuple(rows[1:]))


def _offset(lines: list[int], line: int, text: str) -> int:
    return lines[line] if line < len(lines) else len(text)
