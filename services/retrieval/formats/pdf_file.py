"""A PDF as Markdown with the offset of each page; what needs a password or holds pictures alone is refused."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

import pdfplumber
from pdfminer.pdfdocument import PDFPasswordIncorrect
from pdfplumber.page import Page
from pdfplumber.pdf import PDF
from pdfplumber.utils.exceptions import PdfminerException

from services.retrieval.formats.extract import Extract, Unreadable
from services.retrieval.formats.limits import LONGEST_TEXT, MOST_PAGES
from services.retrieval.formats.pdf_lines import UNKNOWN_LETTER, Grid, Line, Word, lines_of
from services.retrieval.formats.pdf_text import markdown_of
from services.retrieval.formats.plain import one_line, tidied

# Readers look for the mark in this many bytes (ISO 32000-1, annex H, note 13).
_MARK_WITHIN = 1024
# A drawing of more lines is no table, and looking for one in it takes minutes.
_MOST_EDGES = 3_000
# The parser writes this for a letter of a font that does not say which one it is.
_NO_LETTER = re.compile(r"\(cid:\d+\)")
_MOST_UNKNOWN = 0.1
# Pages of pictures in a text, as covers are, are usual; where most are, the text is a scan.
_MOST_SILENT = 0.5
# Titles that a program wrote: the name of the file that was printed.
_NO_TITLE = re.compile(r"(?i)^(?:microsoft \w+ - .*|untitled.*|.*\.(?:docx?|pptx?|xlsx?|indd|pdf|tex|dvi|qxd))$")


def read_pdf(data: bytes, _: str = "") -> Extract:
    """Return the text of all pages and the document's properties. Raises Unreadable."""
    if b"%PDF-" not in data[:_MARK_WITHIN]:
        raise Unreadable("is no PDF: it does not begin with %PDF-; check what kind of file it is")
    with _opened(data) as pdf:
        if (count := len(pdf.pages)) > MOST_PAGES:
            raise Unreadable(f"has {count} pages, expected at most {MOST_PAGES}; split it")
        properties = {name: one_line(value) for name, value in pdf.metadata.items() if isinstance(value, str)}
        pages = _pages(pdf)
    _check_words(pages)
    text, begins = markdown_of(pages)
    return Extract(
        text=text,
        pages=begins,
        title=_title(properties),
        issuer=properties.get("Author", ""),
        unseen=tidied("\n".join(properties.values())),
    )


def _opened(data: bytes) -> PDF:
    try:
        return pdfplumber.open(io.BytesIO(data))
    except PdfminerException as error:
        cause = error.args[0] if error.args else error
        if isinstance(cause, PDFPasswordIncorrect):
            raise Unreadable("is encrypted; save it without a password") from error
        raise Unreadable(f"is no PDF that can be read ({cause}); save it again") from error


def _pages(pdf: PDF) -> list[list[Line | Grid]]:
    pages = []
    letters = 0
    for page in pdf.pages:
        words = [_word(word) for word in page.extract_words(use_text_flow=True, extra_attrs=["size"])]
        letters += sum(len(word.text) for word in words)
        if letters > LONGEST_TEXT:
            raise Unreadable(f"holds more than {LONGEST_TEXT} characters; split it")
        pages.append(lines_of(words, _grids(page), float(page.height)))
        # The library keeps every letter of every page otherwise.
        page.close()
    return pages


def _word(word: Mapping[str, Any]) -> Word:
    box = (float(word[name]) for name in ("x0", "x1", "top", "bottom", "size"))
    return Word(_letters(str(word["text"])), *box)


def _letters(text: str) -> str:
    return tidied(_NO_LETTER.sub(UNKNOWN_LETTER, text))


def _grids(page: Page) -> list[Grid]:
    if len(page.edges) > _MOST_EDGES:
        return []
    grids = []
    for table in page.find_tables():
        rows = tuple(tuple(_letters(cell or "") for cell in row) for row in table.extract())
        # A box around a paragraph has one cell; a table has a header and a row.
        if len(rows) > 1 and len(rows[0]) > 1:
            grids.append(Grid(table.bbox, tuple(table.cells), rows))
    return grids


def _check_words(pages: list[list[Line | Grid]]) -> None:
    texts = ["".join(_words(item) for item in page) for page in pages]
    silent = [number for number, text in enumerate(texts, start=1) if not text.strip()]
    if len(silent) == len(pages):
        raise Unreadable("holds no text, only pictures of it (a scan); run it through text recognition first")
    if len(silent) > _MOST_SILENT * len(pages):
        raise Unreadable(
            f"{len(silent)} of {len(pages)} pages hold no text, page {silent[0]} first (a scan); "
            "run it through text recognition first"
        )
    letters = "".join(texts)
    if letters.count(UNKNOWN_LETTER) > _MOST_UNKNOWN * len(letters):
        raise Unreadable("its fonts do not say which letters they show; save it again or recognise its text")


def _words(item: Line | Grid) -> str:
    return item.text if isinstance(item, Line) else "".join(cell for row in item.rows for cell in row)


def _title(properties: Mapping[str, str]) -> str:
    title = properties.get("Title", "")
    return "" if _NO_TITLE.match(title) else title
