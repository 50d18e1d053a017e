"""The exact vectors of passages, in files that are mapped into memory and not read whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

_NUMBERS = "numbers.npy"
# Rows that are gathered at once: 6 MB of 384 numbers, which stay in the processor's cache.
_BLOCK = 4096
# From this share of a stretch of rows on, a pass over it is faster than gathering those wanted (measured at 10,000).
_WHOLE_SHARE = 0.3

Numbers = NDArray[np.int64]
Vectors = NDArray[np.float32]


class VectorRows:
    """Unit vectors, (rows, dimension), each under a passage number; rows ascend by number."""

    FILE = "vectors.npy"

    def __init__(self, numbers: Numbers, vectors: Vectors) -> None:
        """numbers: ascending, each once."""
        self.numbers = numbers
        self.vectors = vectors
        # The same memory without what a memory map adds to every slice.
        self._plain = np.asarray(vectors)
        self._all = np.arange(len(numbers), dtype=np.int64)
        # One place more than there are numbers, so that what lies beyond is looked up there and has no row.
        self._row = np.full(numbers[-1] + 2 if len(numbers) else 1, -1, dtype=np.int64)
        self._row[numbers] = self._all

    @classmethod
    def of(cls, numbers: Numbers, vectors: Vectors) -> VectorRows:
        """Return rows of vectors, (n, dimension), that come in any order."""
        if (np.diff(numbers) < 0).any():
            order = np.argsort(numbers, kind="stable")
            numbers, vectors = numbers[order], vectors[order]
        return cls(np.asarray(numbers, dtype=np.int64), np.ascontiguousarray(vectors, dtype=np.float32))

    @classmethod
    def read(cls, folder: Path) -> VectorRows:
        """Return what `write` left in a folder, the vectors mapped into memory.

        Raises OSError or ValueError where a file is missing, cut short or something else.
        """
        # Unlike np.load, this takes nothing but the one format.
        numbers = np.array(open_memmap(folder / _NUMBERS, mode="r"))
        vectors = open_memmap(folder / cls.FILE, mode="r")
        if numbers.ndim != 1 or vectors.ndim != 2 or len(numbers) != len(vectors) or vectors.dtype != np.float32:
            raise ValueError(f"{len(numbers)} numbers do not go with vectors {vectors.shape} of {vectors.dtype}")
        return cls(numbers, vectors)

    def write(self, folder: Path) -> None:
        """Write numbers and vectors into a folder that exists."""
        np.save(folder / _NUMBERS, self.numbers)
        np.save(folder / self.FILE, self.vectors)

    @property
    def dimension(self) -> int:
        """Return the length of a vector."""
        return int(self.vectors.shape[1])

    def rows_of(self, numbers: Numbers) -> Numbers:
        """Return the rows of those of these numbers that have one. numbers: ascending, each once."""
        # A search without a filter comes with a stretch of numbers; looking up a million would cost milliseconds.
        if len(numbers) and numbers[-1] - numbers[0] + 1 == len(numbers):
            first, last = np.searchsorted(self.numbers, [numbers[0], numbers[-1] + 1])
            return self._all[first:last]
        rows = self._rows_or_none(numbers)
        return rows[rows >= 0]

    def nearest(self, vector: Vectors, rows: Numbers, count: int) -> tuple[Numbers, Vectors]:
        """Return the passage numbers of at most `count` of these rows, nearest first, with inner products."""
        products = self._products(vector, rows)
        best = largest(products, count)
        return self.numbers[rows[best]], products[best]

    def products_of(self, vector: Vectors, numbers: Numbers, missing: float = 0.0) -> Vectors:
        """Return the inner product with each of these numbers, (numbers,); `missing` where a number has no vector."""
        rows = self._rows_or_none(numbers)
        held = rows >= 0
        if held.all():
            return self._products(vector, rows)
        products = np.full(len(numbers), missing, dtype=np.float32)
        products[held] = self._products(vector, rows[held])
        return products

    def _rows_or_none(self, numbers: Numbers) -> Numbers:
        """Return the row of each of these numbers, -1 where it has none."""
        return self._row.take(numbers, mode="clip")

    def _products(self, vector: Vectors, rows: Numbers) -> Vectors:
        # Row by row, in the time of a product with the matrix: that one rounds a row by its place among the others, so
        # that equal vectors came apart and a passage's product depended on the filter.
        low, high = (int(rows.min()), int(rows.max()) + 1) if len(rows) else (0, 0)
        if len(rows) > _WHOLE_SHARE * (high - low):
            return np.asarray(np.vecdot(self._plain[low:high], vector)[rows - low])
        products = np.empty(len(rows), dtype=np.float32)
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            products[start : start + _BLOCK] = np.vecdot(self._plain[block], vector)
        return products


def largest(values: Vectors, count: int) -> NDArray[np.int64]:
    """Return the positions of the largest values, largest first, equal ones by position."""
    if len(values) > count:
        # All that equal the last one wanted stay in, so that position decides between them.
        least = np.partition(values, len(values) - count)[len(values) - count]
        kept = np.flatnonzero(values >= least)
    else:
        kept = np.arange(len(values))
    return kept[np.argsort(-values[kept], kind="stable")[:count]]
