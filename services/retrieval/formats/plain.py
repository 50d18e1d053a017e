"""Text as the knowledge base stores it: no control characters, one kind of line end, no accidental Markdown."""

from __future__ import annotations

import re
import unicodedata

from services.retrieval.language import HAN

_LINE_END = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
# Control characters but tab and line feed, halves of surrogate pairs, and what is no character at all.
_STRIPPED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# Ligatures and the radicals that some fonts of Chinese PDFs show instead of characters.
_LOOK_ALIKES = re.compile("[\u2e80-\u2fdf\ufb00-\ufb06]")
# What would begin a heading, list, quotation, code or markup, or underline a heading, where the file meant words.
_STRUCTURE = re.compile(r"^(?=#{1,6}(?:\s|$)|[-+*](?:\s|$)|>|```|~~~|<|(?:-{2,}|={1,}|_{3,}|\*{3,})\s*$)", re.MULTILINE)
# Between these two no space is written.
WIDE = f"{HAN}\u3000-\u303f\uff00-\uffef"
_SPACE_BETWEEN_WIDE = re.compile(rf"(?<=[{WIDE}])\s+(?=[{WIDE}])")


def tidied(text: str) -> str:
    """Return the text with line ends as "\\n"; control characters are dropped and look-alike characters folded."""
    plain = _STRIPPED.sub("", _LINE_END.sub("\n", text)).removeprefix("\ufeff")
    return _LOOK_ALIKES.sub(lambda match: unicodedata.normalize("NFKC", match[0]), plain)


def one_line(text: str) -> str:
    """Return the words in one line, with single spaces and none between Chinese characters."""
    return " ".join(_SPACE_BETWEEN_WIDE.sub("", tidied(text)).split())


def as_words(text: str) -> str:
    """Return the text with a backslash before what Markdown would take for structure."""
    return _STRUCTURE.sub(lambda _: "\\", text)


def table_of(rows: list[list[str]]) -> str:
    """Return a Markdown table; the first row is its header."""
    width = max(len(row) for row in rows)
    header, *body = (row + [""] * (width - len(row)) for row in rows)
    return rows_of([header, ["---"] * width, *body])


def rows_of(rows: list[list[str]]) -> str:
    """Return rows of a Markdown table without the line that makes the first one a header."""
    return "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in rows)


def _cell(text: str) -> str:
    return one_line(text).replace("\\", "\\\\").replace("|", "\\|")
