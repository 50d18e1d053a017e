"""Real files of several formats, made by the libraries that write them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import docx
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table

pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
_STYLES = getSampleStyleSheet()
_ZH_TEXT = ParagraphStyle("zh", fontName="STSong-Light", fontSize=10, leading=14, firstLineIndent=20, wordWrap="CJK")
_ZH_HEADING = ParagraphStyle("zh-heading", fontName="STSong-Light", fontSize=16, leading=22)


def heading(words: str) -> Paragraph:
    return Paragraph(words, _STYLES["Heading1"])


def paragraph(words: str) -> Paragraph:
    return Paragraph(words, _STYLES["Normal"])


def zh_heading(words: str) -> Paragraph:
    return Paragraph(words, _ZH_HEADING)


def zh_paragraph(words: str) -> Paragraph:
    return Paragraph(words, _ZH_TEXT)


def ruled_table(rows: Sequence[Sequence[str]]) -> Table:
    return Table(rows, style=[("GRID", (0, 0), (-1, -1), 1, colors.black)])


def pdf(
    pages: Sequence[Sequence[Any]], title: str = "", author: str = "", running: str = "", subject: str = ""
) -> bytes:
    """Return a PDF of these pages. running: a line at the top of each page, followed by its number."""

    def head(canvas: Canvas, template: Any) -> None:
        canvas.drawString(60, A4[1] - 30, f"{running} {template.page}" if running else "")

    story = [part for page in pages for part in (*page, PageBreak())]
    buffer = io.BytesIO()
    template = SimpleDocTemplate(buffer, pagesize=A4, title=title, author=author, subject=subject)
    template.build(story, onFirstPage=head, onLaterPages=head)
    return buffer.getvalue()


def drawn_pdf(
    pages: Sequence[Sequence[tuple[float, float, str]]], password: str = "", cells: Sequence[tuple[float, float]] = ()
) -> bytes:
    """Return a PDF with these words at these places (from the lower left, in points), in the order given.

    cells: lower left corners of boxes, 100 wide and 20 high, that are drawn on every page.
    """
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4, encrypt=StandardEncryption(password) if password else None)
    for page in pages:
        canvas.circle(100, 100, 50)
        for corner in cells:
            canvas.rect(*corner, 100, 20)
        for x, y, words in page:
            canvas.drawString(x, y, words)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def spaced(words: str) -> list[Any]:
    return [paragraph(words), Spacer(1, 12)]


def word_document(title: str = "", author: str = "", rows: Sequence[Sequence[str]] = ()) -> bytes:
    """Return a DOCX with a heading, a paragraph, a list of two and a table of these rows."""
    document = docx.Document()
    document.core_properties.title = title
    document.core_properties.author = author
    document.add_heading("What it holds", 1)
    document.add_paragraph("Nearly every listed company. 几乎所有上市公司。")
    document.add_heading("What can go wrong", 2)
    document.add_paragraph("Shares fall.", style="List Bullet")
    document.add_paragraph("Currencies move.", style="List Bullet")
    if rows:
        table = document.add_table(len(rows), len(rows[0]))
        for row, cells in zip(table.rows, rows, strict=True):
            for cell, words in zip(row.cells, cells, strict=True):
                cell.text = words
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def changed_zip(content: bytes, **parts: bytes) -> bytes:
    """Return a ZIP with parts added or replaced; "__" in a name stands for "/", "_dot_" for "."."""
    named = {name.replace("__", "/").replace("_dot_", "."): part for name, part in parts.items()}
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for info in old.infolist():
            if info.filename not in named:
                new.writestr(info, old.read(info))
        for name, part in named.items():
            new.writestr(name, part)
    return buffer.getvalue()
