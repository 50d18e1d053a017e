"""Tables of a web page made plain: cells that span rows are repeated, and tables that only lay out are dissolved."""

from __future__ import annotations

from copy import copy

from bs4 import BeautifulSoup, Tag

_CELLS = ["td", "th"]
_PARTS = ["table", "thead", "tbody", "tfoot", "tr", *_CELLS]

# By column: how many more rows a cell covers, and the cell.
_Open = dict[int, tuple[int, Tag]]


def make_plain(soup: BeautifulSoup) -> None:
    """Change the tables of a page so that each row has its cells in their columns."""
    for table in soup.select("table:has(table)"):
        _dissolve(table)
    for table in soup.find_all("table"):
        still_open: _Open = {}
        for row in table.find_all("tr"):
            still_open = _fill(row, still_open)


def _dissolve(table: Tag) -> None:
    """Turn a table around other tables into plain blocks: it places things on the page and relates nothing."""
    for part in table.find_all(_PARTS):
        if part.find_parent("table") is table and part.name != "table":
            part.name = "div"
    table.name = "div"


def _fill(row: Tag, open_cells: _Open) -> _Open:
    """Repeat the cells of rows above that reach into this one, and return those that reach into the next."""
    cells = row.find_all(_CELLS, recursive=False)
    still_open: _Open = {}
    column = 0
    while cells or open_cells:
        if column in open_cells:
            left, cell = open_cells.pop(column)
            twin = copy(cell)
            if cells:
                cells[0].insert_before(twin)
            else:
                row.append(twin)
            if left > 1:
                still_open[column] = left - 1, cell
            column += 1
        elif cells:
            column += _opened(cells.pop(0), column, still_open)
        else:
            # The row is short: what reaches into it further right stands next to its last cell.
            column = min(open_cells)
    return still_open


def _opened(cell: Tag, column: int, still_open: _Open) -> int:
    """Note a cell that reaches into rows below and return its width."""
    rows, width = _number(cell, "rowspan"), _number(cell, "colspan")
    del cell["rowspan"]
    if rows > 1:
        single = copy(cell)
        del single["colspan"]
        still_open.update(dict.fromkeys(range(column, column + width), (rows - 1, single)))
    return width


def _number(cell: Tag, name: str) -> int:
    text = str(cell.get(name, ""))
    return min(max(int(text), 1), 1000) if text.isascii() and text.isdigit() else 1
