"""The words of a PDF page as lines and tables, in the order in which the page was written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from services.retrieval.formats.plain import one_line

# Stands for a letter of a font that does not say which letter it is; most often a bullet.
UNKNOWN_LETTER = "\ufffd"
# Words are on one line where their middles differ by less than this share of the letters' height.
_SAME_LINE = 0.5
# A gap is a space from this share of the letters' height on.
_SPACE = 0.15


@dataclass(frozen=True)
class Word:
    """Letters without a gap; distances in points from the left and upper edge of the page."""

    text: str
    x0: float
    x1: float
    top: float
    bottom: float
    size: float


@dataclass(frozen=True)
class Line:
    """Words side by side. size: the height of most of its letters. place: top of the page 0, bottom 1."""

    text: str
    x0: float
    x1: float
    top: float
    bottom: float
    size: float
    place: float = 0.5


Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Grid:
    """A ruled table: its box and those of its cells (x0, top, x1, bottom), and the words of its cells by row."""

    box: Box
    cells: tuple[Box, ...]
    rows: tuple[tuple[str, ...], ...]


def lines_of(words: Sequence[Word], grids: Sequence[Grid], height: float) -> list[Line | Grid]:
    """Return the lines in the order of the words, each table once, where its first word stands.

    The order of writing keeps columns apart; going down the page would mix them.
    """
    found: list[Line | Grid] = []
    open_words: list[Word] = []
    for word in words:
        grid = next((grid for grid in grids if _holds(grid, word)), None)
        if grid is None and open_words and _continues(open_words[-1], word):
            open_words.append(word)
            continue
        found += _closed(open_words, height)
        open_words = [] if grid else [word]
        if grid and not any(grid is other for other in found):
            found.append(grid)
    return [*found, *_closed(open_words, height)]


def _holds(grid: Grid, word: Word) -> bool:
    """Say whether a word stands in a cell: a table may have holes, and what stands there is not in its rows."""
    x, y = (word.x0 + word.x1) / 2, (word.top + word.bottom) / 2
    return _is_inside(x, y, grid.box) and any(_is_inside(x, y, cell) for cell in grid.cells)


def _is_inside(x: float, y: float, box: Box) -> bool:
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def _continues(last: Word, word: Word) -> bool:
    is_level = abs(last.top + last.bottom - word.top - word.bottom) / 2 < _SAME_LINE * max(last.size, word.size)
    return is_level and word.x0 >= last.x0


def _closed(words: Sequence[Word], height: float) -> Iterator[Line]:
    text = one_line("".join(_spaced(words)))
    if text:
        top, bottom = min(word.top for word in words), max(word.bottom for word in words)
        left, right = min(word.x0 for word in words), max(word.x1 for word in words)
        place = (top + bottom) / 2 / height
        yield Line(text, left, right, top, bottom, usual_size(words), place)


def _spaced(words: Sequence[Word]) -> Iterable[str]:
    for number, word in enumerate(words):
        if number and word.x0 - words[number - 1].x1 > _SPACE * word.size:
            yield " "
        yield word.text


def usual_size(items: Iterable[Word | Line]) -> float:
    """Return the height of most letters, to half a point; 0 where there are none."""
    letters: dict[float, int] = {}
    for item in items:
        size = round(item.size * 2) / 2
        letters[size] = letters.get(size, 0) + len(item.text)
    return max(letters, key=lambda size: (letters[size], -size), default=0.0)
