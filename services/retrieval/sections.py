"""The sections of a Markdown text: what stands under one heading, with the places where blocks begin."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

_PARSER = MarkdownIt("commonmark").enable("table")
# The parser counts lines by this rule; offsets stay those of the original text.
_LINE_END = re.compile(r"\r\n?|\n")
_BLOCK_LEVEL = 0
_ITEM_LEVEL = 1


@dataclass(frozen=True)
class Section:
    """The stretch [start, end) below one heading, in code points.

    heading: headings above it, outermost first, joined by " > "; empty before the first heading.
    blocks:  offsets where a paragraph, list item, table or code block begins, ascending.
    """

    heading: str
    start: int
    end: int
    blocks: tuple[int, ...]


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
    top = _Heading(0, "", 0, 0)
    end = _Heading(0, "", len(lines), len(lines))
    path: list[_Heading] = []
    sections = []
    for heading, following in pairwise([top, *_headings(tokens), end]):
        path = [above for above in path if above.depth < heading.depth] + [heading]
        start, stop = _offset(lines, heading.line_after, text), _offset(lines, following.first_line, text)
        inside = tuple(block for block in blocks if start <= block < stop)
        sections.append(Section(" > ".join(part.words for part in path if part.words), start, stop, inside))
    return [section for section in sections if text[section.start : section.end].strip()]


def _headings(tokens: list[Token]) -> Iterator[_Heading]:
    for opening, inline in pairwise(tokens):
        # A heading inside a quotation or a list belongs to that block.
        if opening.type == "heading_open" and opening.level == _BLOCK_LEVEL and opening.map:
            depth = int(opening.tag.removeprefix("h"))
            yield _Heading(depth, _words(inline), opening.map[0], opening.map[1])


def _words(inline: Token) -> str:
    parts = (" " if child.type.endswith("break") else child.content for child in inline.children or ())
    return " ".join("".join(parts).split())


def _block_lines(tokens: list[Token]) -> Iterator[int]:
    for token in tokens:
        is_item = token.type == "list_item_open" and token.level == _ITEM_LEVEL
        if token.map and (token.level == _BLOCK_LEVEL or is_item):
            yield token.map[0]


def _offset(lines: list[int], line: int, text: str) -> int:
    return lines[line] if line < len(lines) else len(text)
