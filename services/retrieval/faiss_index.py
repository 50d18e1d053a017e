"""Exact nearest neighbours by inner product, with FAISS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

# One thread per request: with two OpenMP threads on a busy machine of two cores the median search went from
# tens to hundreds of milliseconds.
faiss.omp_set_num_threads(1)


class FaissIndex:
    """Unit vectors under passage numbers; searched exhaustively, so that results and filters are exact."""

    def __init__(self, index: Any) -> None:
        self._index = index
        self._numbers: NDArray[np.int64] = np.sort(faiss.vector_to_array(index.id_map))

    @classmethod
    def build(cls, numbers: NDArray[np.int64], vectors: NDArray[np.float32]) -> FaissIndex:
        """Index vectors, (n, dimension), each under its passage number."""
        index = faiss.IndexIDMap2(faiss.IndexFlatIP(vectors.shape[1]))
        index.add_with_ids(np.ascontiguousarray(vectors, dtype=np.float32), numbers)
        return cls(index)

    @classmethod
    def read(cls, file: Path) -> FaissIndex:
        """Return the index that `write` left in a file."""
        return cls(faiss.deserialize_index(np.frombuffer(file.read_bytes(), dtype=np.uint8)))

    def write(self, file: Path) -> None:
        """Write the index into a file."""
        file.write_bytes(faiss.serialize_index(self._index).tobytes())

    @property
    def dimension(self) -> int:
        """Return the length of a vector."""
        return int(self._index.d)

    @property
    def numbers(self) -> NDArray[np.int64]:
        """Return the passage numbers that have a vector, ascending."""
        return self._numbers

    def nearest(
        self, vector: NDArray[np.float32], among: NDArray[np.int64], count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return at most `count` passage numbers of `among` that have a vector, nearest first, with inner products."""
        count = min(count, self._index.ntotal, len(among))
        if count == 0:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        selector = faiss.IDSelectorBatch(np.ascontiguousarray(among, dtype=np.int64))
        parameters = faiss.SearchParameters()
        parameters.sel = selector
        products, numbers = self._index.search(np.ascontiguousarray(vector[None, :]), count, params=parameters)
        found = numbers[0] >= 0
        return numbers[0][found], products[0][found]

    def vector(self, number: int) -> NDArray[np.float32]:
        """Return the vector of a passage number."""
        return np.asarray(self._index.reconstruct(number), dtype=np.float32)
