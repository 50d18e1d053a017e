"""Nearest neighbours proposed by Qdrant, and judged by the exact vectors of the snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import numpy as np
from qdrant_client import QdrantClient, models
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ApiException

from services.retrieval.vector_rows import Numbers, VectorRows, Vectors
from shared.errors import UpstreamUnavailable

NUMBER = "number"
# Up to so many eligible passages the store is asked to compare all; more are found by its own graph.
_EXACT_LIMIT = 20_000
# Candidates that the store keeps open for each one wanted.
_EFFORT = 2
_LEAST_EFFORT = 200


class QdrantIndex:
    """The vectors of one encoder in one collection; points are passage numbers.

    Products are those of the exact vectors, which every machine maps from its copy of the snapshot. So the answers are
    those of the index in files, up to neighbours that a graph misses.
    """

    def __init__(self, client: QdrantClient, collection: str, rows: VectorRows) -> None:
        self._client = client
        self._collection = collection
        self._rows = rows

    @property
    def dimension(self) -> int:
        """Return the length of a vector."""
        return self._rows.dimension

    def nearest(self, vector: Vectors, among: Numbers, count: int) -> tuple[Numbers, Vectors]:
        """Return at most `count` passage numbers of `among` that have a vector, nearest first, with inner products.

        Raises UpstreamUnavailable.
        """
        rows = self._rows.rows_of(among)
        proposed = self._proposed(vector, rows, min(count, len(rows))) if len(rows) else rows
        return self._rows.nearest(vector, proposed, count)

    def products(self, vector: Vectors, numbers: Numbers) -> Vectors:
        """Return the inner product with each of these numbers, (numbers,); zero where a number has no vector."""
        return self._rows.products_of(vector, numbers)

    def compared(self, vector: Vectors, numbers: Numbers) -> Vectors | None:  # noqa: ARG002
        """Return None: what is near is for the store to say."""
        return None

    def _proposed(self, vector: Vectors, rows: Numbers, count: int) -> Numbers:
        with reached():
            answer = self._client.query_points(
                self._collection,
                query=vector.tolist(),
                query_filter=_filter(self._rows.numbers, rows),
                search_params=models.SearchParams(
                    exact=len(rows) <= _EXACT_LIMIT, hnsw_ef=max(_EFFORT * count, _LEAST_EFFORT)
                ),
                limit=count,
                with_payload=False,
            )
        return self._rows.rows_of(np.sort(np.array([point.id for point in answer.points], dtype=np.int64)))


def _filter(numbers: Numbers, rows: Numbers) -> models.Filter | None:
    """Return the filter that leaves exactly these rows, in the fewest words: ranges of numbers or single ones."""
    if len(rows) == len(numbers):
        return None
    starts = np.flatnonzero(np.diff(rows, prepend=-2) != 1)
    ends = np.append(starts[1:], len(rows)) - 1
    # Rows of one range are neighbours, so no other passage with a vector has a number between theirs.
    if 2 * len(starts) < len(rows):
        bounds = zip(numbers[rows[starts]].tolist(), numbers[rows[ends]].tolist(), strict=True)
        ranges = [models.FieldCondition(key=NUMBER, range=models.Range(gte=low, lte=high)) for low, high in bounds]
        return models.Filter(should=list(ranges))
    return models.Filter(must=[models.HasIdCondition(has_id=numbers[rows].tolist())])


@contextmanager
def reached() -> Iterator[None]:
    """Turn what the client raises into UpstreamUnavailable."""
    try:
        yield
    except (ApiException, QdrantException, httpx.HTTPError) as error:
        raise UpstreamUnavailable("qdrant", str(error).splitlines()[0] or type(error).__name__) from error
