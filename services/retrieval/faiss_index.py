"""Nearest neighbours by inner product: exhaustive where there are few vectors, with FAISS where there are many."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from services.retrieval.vector_rows import Numbers, VectorRows, Vectors
from shared.snapshots import SnapshotRefused

# One thread per request: with two OpenMP threads on a busy machine of two cores the median search went from
# tens to hundreds of milliseconds.
faiss.omp_set_num_threads(1)
# Its stubs know neither the constructors that Python sees nor every class.
_faiss: Any = faiss

# Where `python -m benchmarks.retrieval.scale` saw one way become worth its price (384 numbers, CPU time). Up to
# EXACT_LIMIT every search is exhaustive: 3 ms at 20,000, where a scan of 8-bit codes takes 2. Up to SCAN_LIMIT the
# codes are scanned, which holds a quarter of the memory and lost nothing: 5 ms at 50,000. Beyond, a graph over the
# codes is at least four times faster than the scan. Without a filter it loses 2 in 100 of 200 passages at 100,000, and
# at a million 8 in 100 of the first ten.
EXACT_LIMIT = 20_000
SCAN_LIMIT = 50_000
# Codes and graph propose this many for each one wanted; the exact vectors say which are kept. At 1.5 a scan of the
# codes lost none of 200 (at 1.0 it lost 1 in 200).
_OVER_FETCH = 1.5
# Links of a node, and candidates looked at while it is linked: twice the build time of 16 and 40, half the loss.
_LINKS = 16
_BUILD_EFFORT = 100
# Candidates that a search keeps open for each one wanted, of those that pass the filter.
_EFFORT = 2
_LEAST_EFFORT = 200
# A graph walks over passages that the filter leaves out too. Below this share of eligible ones the scan is cheaper.
_GRAPH_SHARE = 0.25

_APPROXIMATE = "near.faiss"


class Kind(Enum):
    """What proposes candidates: nothing (all are compared), a scan of 8-bit codes, or a graph over such codes."""

    EXACT = "exact"
    SCAN = "scan"
    GRAPH = "graph"

    @classmethod
    def of(cls, count: int) -> Kind:
        """Return the kind for an index of this many vectors."""
        if count <= EXACT_LIMIT:
            return cls.EXACT
        return cls.SCAN if count <= SCAN_LIMIT else cls.GRAPH


class FaissIndex:
    """Unit vectors under passage numbers, read-only and safe to share between threads.

    Products are always those of the exact vectors. Results are exact among up to EXACT_LIMIT eligible passages; among
    more, a neighbour may be missed (the benchmark prints how many), but none that is not eligible is returned.
    """

    def __init__(self, rows: VectorRows, approximate: Any = None, exact_limit: int = EXACT_LIMIT) -> None:
        """approximate: a FAISS index of the same rows, None where every search is exhaustive.

        exact_limit: up to so many eligible passages a search is exhaustive all the same.
        """
        self._rows = rows
        self._exact_limit = exact_limit
        self._approximate = approximate
        is_graph = isinstance(approximate, faiss.IndexHNSW)
        self._codes = faiss.downcast_index(approximate.storage) if is_graph else approximate

    @classmethod
    def build(cls, numbers: Numbers, vectors: Vectors, kind: Kind | None = None) -> FaissIndex:
        """Index vectors, (n, dimension), each under its passage number; equal input gives equal bytes.

        kind: None for that of their number.
        """
        rows = VectorRows.of(numbers, vectors)
        return cls(rows, _approximate(rows.vectors, kind or Kind.of(len(numbers))))

    @classmethod
    def read(cls, folder: Path, exact_limit: int = EXACT_LIMIT) -> FaissIndex:
        """Return the index that `write` left in a folder, mapped into memory.

        Raises SnapshotRefused where a file is missing, cut short or something else.
        """
        try:
            rows = VectorRows.read(folder)
            file = folder / _APPROXIMATE
            approximate = faiss.read_index(str(file), faiss.IO_FLAG_MMAP_IFC) if file.exists() else None
        except (OSError, ValueError, RuntimeError) as error:
            raise _refusal(folder, str(error)) from error
        if approximate is not None and (approximate.ntotal, approximate.d) != rows.vectors.shape:
            raise _refusal(folder, f"{_APPROXIMATE} holds {approximate.ntotal} vectors of {approximate.d}")
        return cls(rows, approximate, exact_limit)

    def write(self, folder: Path) -> None:
        """Write the index into a new folder."""
        folder.mkdir()
        self._rows.write(folder)
        if self._approximate is not None:
            faiss.write_index(self._approximate, str(folder / _APPROXIMATE))

    @property
    def dimension(self) -> int:
        """Return the length of a vector."""
        return self._rows.dimension

    @property
    def numbers(self) -> Numbers:
        """Return the passage numbers that have a vector, ascending."""
        return self._rows.numbers

    def nearest(self, vector: Vectors, among: Numbers, count: int) -> tuple[Numbers, Vectors]:
        """Return at most `count` passage numbers of `among` that have a vector, nearest first, with inner products."""
        rows = self._rows.rows_of(among)
        if self._approximate is not None and len(rows) > self._exact_limit:
            rows = self._proposed(vector, rows, count)
        return self._rows.nearest(vector, rows, count)

    def products(self, vector: Vectors, numbers: Numbers) -> Vectors:
        """Return the inner product with each of these numbers, (numbers,); zero where a number has no vector."""
        return self._rows.products_of(vector, numbers)

    def compared(self, vector: Vectors, numbers: Numbers) -> Vectors | None:
        """Return the inner product with each of these numbers, NaN without a vector; None where they are too many."""
        if self._approximate is not None and len(numbers) > self._exact_limit:
            return None
        return self._rows.products_of(vector, numbers, missing=np.nan)

    def vector(self, number: int) -> Vectors:
        """Return the vector of a passage number."""
        return np.array(self._rows.vectors[self._rows.rows_of(np.array([number]))[0]])

    def _proposed(self, vector: Vectors, rows: Numbers, count: int) -> Numbers:
        """Return rows, ascending, that hold nearly all of the nearest."""
        wanted = min(int(count * _OVER_FETCH), len(rows))
        share = len(rows) / self._codes.ntotal
        is_walked = self._approximate is not self._codes and share >= _GRAPH_SHARE
        parameters: Any = _faiss.SearchParametersHNSW() if is_walked else _faiss.SearchParameters()
        if is_walked:
            parameters.efSearch = int(max(_EFFORT * count, _LEAST_EFFORT) / share)
        if share < 1:
            mask = np.zeros(self._codes.ntotal, dtype=bool)
            mask[rows] = True
            # The bits live as long as this function, which FAISS leaves to its caller.
            bits = np.packbits(mask, bitorder="little")
            parameters.sel = _faiss.IDSelectorBitmap(bits)
        searched = self._approximate if is_walked else self._codes
        _, found = searched.search(np.ascontiguousarray(vector[None, :], dtype=np.float32), wanted, params=parameters)
        return np.sort(found[0][found[0] >= 0])


def _approximate(vectors: Vectors, kind: Kind) -> Any:
    if kind is Kind.EXACT:
        return None
    # The setting belongs to the calling thread. With several, the graph would differ from run to run.
    faiss.omp_set_num_threads(1)
    code, metric = faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    if kind is Kind.SCAN:
        index = _faiss.IndexScalarQuantizer(vectors.shape[1], code, metric)
    else:
        index = _faiss.IndexHNSWSQ(vectors.shape[1], code, _LINKS, metric)
        index.hnsw.efConstruction = _BUILD_EFFORT
    index.train(vectors)
    index.add(vectors)
    return index


def _refusal(folder: Path, what: str) -> SnapshotRefused:
    return SnapshotRefused(f"index {folder.parent.name} is refused: {folder.name}: {what}; run: fiducia ingest kb/")
