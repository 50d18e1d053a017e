"""A file of any format that is known as one Markdown text."""

from __future__ import annotations

from collections.abc import Callable

from services.retrieval.formats.charset import decoded
from services.retrieval.formats.extract import Extract, Unreadable
from services.retrieval.formats.limits import LONGEST_TEXT, LONGEST_UNSEEN
from services.retrieval.formats.plain import tidied

Reader = Callable[[bytes, str], Extract]


def extract(data: bytes, suffix: str, charset: str = "") -> Extract:
    """Return the text of a file.

    suffix:  the end of its name, one of `SUFFIXES`.
    charset: the encoding of a text file where something other than the file states it, else "".
    Raises Unreadable for whatever is wrong with it, also where a parser fails in a way of its own.
    """
    try:
        found = _READERS[suffix](data, charset)
    except Unreadable:
        raise
    except MemoryError as error:
        raise Unreadable("needs more memory to read than a document may; split it") from error
    except RecursionError as error:
        raise Unreadable("is nested too deeply; save it in a plainer form") from error
    except Exception as error:
        # Parsers of foreign formats fail in ways that nobody can list; the file is at fault, not the service.
        raise Unreadable(f"cannot be read as {suffix} ({type(error).__name__}: {error}); save it again") from error
    if not found.text.strip():
        raise Unreadable("holds no text; remove it or write it")
    if len(found.text) > LONGEST_TEXT:
        raise Unreadable(f"holds {len(found.text)} characters, expected at most {LONGEST_TEXT}; split it")
    if len(found.unseen) > LONGEST_UNSEEN:
        raise Unreadable(f"holds {len(found.unseen)} characters that no reader sees; save it in a plainer form")
    return found


def _markdown(data: bytes, charset: str) -> Extract:
    return Extract(tidied(decoded(data, charset)))


# Imported where they are used: each parser takes time to load, and most folders hold one or two formats.
def _html(data: bytes, charset: str) -> Extract:
    from services.retrieval.formats.html_file import read_html

    return read_html(data, charset)


def _pdf(data: bytes, charset: str) -> Extract:
    from services.retrieval.formats.pdf_file import read_pdf

    return read_pdf(data, charset)


def _docx(data: bytes, charset: str) -> Extract:
    from services.retrieval.formats.docx_file import read_docx

    return read_docx(data, charset)


def _csv(data: bytes, charset: str) -> Extract:
    from services.retrieval.formats.csv_file import read_csv

    return read_csv(data, charset)


_READERS: dict[str, Reader] = {
    ".csv": _csv,
    ".docx": _docx,
    ".htm": _html,
    ".html": _html,
    ".markdown": _markdown,
    ".md": _markdown,
    ".pdf": _pdf,
    ".tsv": _csv,
}
SUFFIXES = tuple(_READERS)
