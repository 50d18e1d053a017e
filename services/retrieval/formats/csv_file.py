"""A table of products in CSV: a section for each row, so that a row is found and cited with its header's names."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from services.retrieval.formats.charset import decoded
from services.retrieval.formats.extract import Extract, Unreadable
from services.retrieval.formats.limits import MOST_COLUMNS, MOST_ROWS
from services.retrieval.formats.plain import one_line, tidied

_SEPARATORS = ",;\t|"
_SAMPLE = 20_000
# Columns that say which product a row is about: a code first, then a name.
_CODES = ("product_id", "ticker", "symbol", "code", "fund_code", "isin", "id")
_ZH_CODES = ("产品代码", "基金代码", "证券代码", "代码", "基金主代码")
_NAMES = ("name", "fund_name", "product_name", "基金简称", "基金名称", "产品名称", "证券简称", "名称", "简称")
# The separator as spreadsheets note it above the header.
_HINT = re.compile(r"\Asep=.\n")
_NOT_A_LETTER = re.compile(r"[\W_]+")


def read_csv(data: bytes, charset: str = "") -> Extract:
    """Return one section a row: its code and name as heading, a list of "column: value" below.

    The first row holds the names of the columns, one of them a code (`ticker`, `isin`, `基金代码`, ...) or a name.
    Raises Unreadable.
    """
    header, rows = _table(_HINT.sub("", tidied(decoded(data, charset))))
    about = _about(header)
    return Extract("\n\n".join(_section(header, row, about) for row in rows))


def _table(text: str) -> tuple[list[str], list[list[str]]]:
    try:
        lines = [[one_line(cell) for cell in row] for row in csv.reader(io.StringIO(text), _dialect(text), strict=True)]
    except csv.Error as error:
        raise Unreadable(f"cannot be read as CSV: {error}; correct the file") from error
    numbered = [(number, row) for number, row in enumerate(lines, start=1) if any(row)]
    if len(numbered) < 2:
        raise Unreadable("holds no rows below a header; add them")
    if len(numbered) > MOST_ROWS + 1:
        raise Unreadable(f"holds {len(numbered) - 1} rows, expected at most {MOST_ROWS}; split the file")
    header = _without_empty_end(numbered[0][1])
    if len(header) > MOST_COLUMNS:
        raise Unreadable(f"holds {len(header)} columns, expected at most {MOST_COLUMNS}; leave some out")
    return header, [_fitted(row, number, header) for number, row in numbered[1:]]


def _dialect(text: str) -> type[csv.Dialect]:
    try:
        return csv.Sniffer().sniff(text[:_SAMPLE].splitlines()[0], _SEPARATORS)
    except (csv.Error, IndexError):
        return csv.excel


def _fitted(row: list[str], number: int, header: Sequence[str]) -> list[str]:
    cells = _without_empty_end(row)
    if len(cells) > len(header):
        raise Unreadable(
            f"row {number} holds {len(cells)} cells, the header {len(header)}; quote cells with separators"
        )
    return cells + [""] * (len(header) - len(cells))


def _without_empty_end(row: Sequence[str]) -> list[str]:
    last = max((number for number, cell in enumerate(row) if cell), default=-1)
    return list(row[: last + 1])


def _about(header: Sequence[str]) -> list[int]:
    """Return the columns that name the product. Raises Unreadable."""
    names = [_NOT_A_LETTER.sub("_", name.casefold()).strip("_") for name in header]
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled or not all(header):
        raise Unreadable(f"its header repeats or lacks the name of a column {doubled}; name each column once")
    code = next((names.index(name) for name in (*_CODES, *_ZH_CODES) if name in names), None)
    name = next((names.index(name) for name in _NAMES if name in names), None)
    found = [column for column in (code, name) if column is not None]
    if not found:
        raise Unreadable(f"no column names the product; call one of them {', '.join((*_CODES, *_NAMES[:1]))}")
    return found


def _section(header: Sequence[str], row: Sequence[str], about: Sequence[int]) -> str:
    heading = " ".join(row[column] for column in about if row[column]) or row[0]
    items = "\n".join(f"- {name}: {cell}" for name, cell in zip(header, row, strict=True) if cell)
    return f"## {heading}\n\n{items}"
