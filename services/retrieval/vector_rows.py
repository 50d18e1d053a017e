"""The exact vectors of passages, in files that are mapped into memory and not read whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_NUMBERS = "numbers.npy"
_VECTORS = "vectors.npy"
# Rows that are gathered at once: 6 MB of 384 numbers, which stay in the processor's cache.
_BLOCK = 4096
# From this share of the rows on, a pass over all is faster than gathering those wanted (measured at 10,000).
_WHOLE_SHARE = 0.3

Numbers = NDArray[np.int64]
Vectors = NDArray[np.float32]


class VectorRows:
    """Unit vectors, (rows, dimension), each under a passage number; rows ascend by number."""

    def __init__(self, numbers: Numbers, vectors: Vectors) -> None:
        """numbers: ascending, each once."""
        self.numbers = numbers
        self.vectors = vectors
        self._row = np.full(numbers[-1] + 1 if len(numbers) else 0, -1, dtype=np.int32)
        self._row[numbers] = np.arange(len(numbers), dtype=np.int32)

    @classmethod
    def of(cls, numbers: Numbers, vectors: Vectors) -> VectorRows:
        """Return rows of vectors, (n, dimension), that come in any order."""
        order = np.argsort(numbers, kind="stable")
        return cls(np.asarray(numbers, dtype=np.int64)[order], np.ascontiguousarray(vectors[order], dtype=np.float32))

    @classmethod
    def read(cls, folder: Path) -> VectorRows:
        """Return what `write` left in a folder, the vectors mapped into memory.

        Raises OSError or ValueError where a file is missing, cut short or something else.
        """
        numbers = np.load(folder / _NUMBERS)
        vectors = np.load(folder / _VECTORS, mmap_mode="r")
        if numbers.ndim != 1 or vectors.ndim != 2 or len(numbers) != len(vectors) or vectors.dtype != np.float32:
            raise ValueError(f"{len(numbers)} numbers do not go with vectors {vectors.shape} of {vectors.dtype}")
        return cls(numbers, vectors)

    def write(self, folder: Path) -> None:
        """Write numbers and vectors into a folder that exists."""
        np.save(folder / _NUMBERS, self.numbers)
        np.save(folder / _VECTORS, self.vectors)

    @property
    def dimension(self) -> int:
        """Return the length of a vector."""
        return int(self.vectors.shape[1])

    def rows_of(self, numbers: Numbers) -> Numbers:
        """Return the rows of those of these passage numbers that have one, in their order."""
        rows = self._row[numbers[numbers < len(self._row)]]
        return np.asarray(rows[rows >= 0], dtype=np.int64)

    def has(self, numbers: Numbers) -> NDArray[np.bool_]:
        """Return for each passage number whether it has a vector."""
        held = numbers < len(self._row)
        held[held] = self._row[numbers[held]] >= 0
        return held

    def products(self, vector: Vectors, rows: Numbers) -> Vectors:
        """Return the inner product of a vector with each of these rows, (rows,)."""
        if len(rows) > _WHOLE_SHARE * len(self.vectors):
            return np.asarray((self.vectors @ vector)[rows])
        products = np.empty(len(rows), dtype=np.float32)
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            products[start : start + _BLOCK] = self.vectors[block] @ vector
        return products
