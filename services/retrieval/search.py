"""Find the passages nearest to a question: by words, and by meaning where the embedder knows its language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.retrieval.chunk import TokenCounter
from services.retrieval.filters import FilterTable, PassageFilter
from services.retrieval.fusion import DENSE_WEIGHT, fuse
from services.retrieval.language import language_of
from services.retrieval.manifest import Manifest
from services.retrieval.passage import Passage
from services.retrieval.split import split_to_fit

# How many passages each of the two searches proposes; far above the largest limit, so that none is lost to the cut.
_CANDIDATES = 200
# A product named by its id comes before everything else: the other parts of a score sum to at most one.
_NAMED_PRODUCT = 1.0
# Tickers are written in capitals, codes in digits; neighbours like "510300ETF" or "持有VTI" do not hide them.
_PRODUCT_NAME = re.compile(r"(?<![A-Za-z0-9])[A-Z][A-Z0-9]{1,11}(?![A-Za-z0-9])|(?<!\d)\d{4,12}(?!\d)")


class VectorIndex(Protocol):
    """Vectors of passages, by passage number."""

    def nearest(
        self, vector: NDArray[np.float32], among: NDArray[np.int64], count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return at most `count` numbers of `among` that have a vector, nearest first, with inner products."""


class WordScores(Protocol):
    """Word search over passages."""

    def scores(self, question: str) -> NDArray[np.float32]:
        """Return the score of every passage, (passages,), zero where no word is shared."""


class QueryEmbedder(TokenCounter, Protocol):
    """What turns questions into vectors."""

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return vectors of length one, (texts, dimension)."""


@dataclass(frozen=True)
class Snapshot:
    """One immutable index, loaded; passage numbers are positions in `passages`."""

    id: str
    manifest: Manifest
    passages: tuple[Passage, ...]
    table: FilterTable
    vectors: VectorIndex
    words: WordScores
    product_ids: frozenset[str]


@dataclass(frozen=True)
class Query:
    """A question with what may be returned. limit: at least 1."""

    text: str
    limit: int
    as_of: date
    filter: PassageFilter = field(default_factory=PassageFilter)


@dataclass(frozen=True)
class Hit:
    """A passage with its score; higher is nearer, comparable within one answer only."""

    passage: Passage
    score: float


def search(
    snapshot: Snapshot, embedder: QueryEmbedder, queries: Sequence[Query], dense_weight: float = DENSE_WEIGHT
) -> list[list[Hit]]:
    """Return the hits of each query, best first, equal scores by passage id; one embedding batch for all."""
    known = snapshot.manifest.embedded_languages
    by_meaning = [number for number, query in enumerate(queries) if language_of(query.text) in known]
    vectors = dict(zip(by_meaning, embed_questions(embedder, [queries[n].text for n in by_meaning]), strict=True))
    return [_hits(snapshot, query, vectors.get(number), dense_weight) for number, query in enumerate(queries)]


def embed_questions(embedder: QueryEmbedder, texts: Sequence[str]) -> list[NDArray[np.float32]]:
    """Return a unit vector for each question; a question beyond the token limit is the mean of its parts.

    Nothing is cut off: a long question is split at sentences like a passage.
    """
    parts = [_parts(text, embedder) for text in texts]
    flat = [part for some in parts for part in some]
    if not flat:
        return []
    vectors = iter(embedder.embed_queries(flat))
    return [_mean_direction([next(vectors) for _ in some]) for some in parts]


def _parts(text: str, embedder: QueryEmbedder) -> list[str]:
    def fits(start: int, end: int) -> bool:
        return embedder.count_tokens(text[start:end]) <= embedder.token_limit

    return [text[start:end] for start, end in split_to_fit(text, 0, len(text), fits)]


def _mean_direction(vectors: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    if len(vectors) == 1:
        return vectors[0]
    total = np.sum(vectors, axis=0)
    length = float(np.linalg.norm(total))
    return np.asarray(total / length if length > 0 else total, dtype=np.float32)


def _hits(snapshot: Snapshot, query: Query, vector: NDArray[np.float32] | None, dense_weight: float) -> list[Hit]:
    eligible = snapshot.table.eligible(query.filter, query.as_of)
    if not len(eligible):
        return []
    words = snapshot.words.scores(query.text)
    best = float(words[eligible].max())
    shared = _top(eligible, words, _CANDIDATES)
    shared = shared[words[shared] > 0]
    if vector is None:
        numbers, weight, cosines = shared, 0.0, np.zeros(len(shared), dtype=np.float32)
    else:
        near, _ = snapshot.vectors.nearest(vector, eligible, _CANDIDATES)
        numbers, weight = np.union1d(near, shared), dense_weight
        cosines = _cosines(snapshot.vectors, vector, numbers)
    scores = fuse(cosines, words[numbers], best, weight)
    scores += _NAMED_PRODUCT * _names_product(snapshot, query.text, numbers)
    return _ranked(snapshot.passages, numbers, scores, query.limit)


def _top(numbers: NDArray[np.int64], scores: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    return numbers[np.argsort(-scores[numbers], kind="stable")[:count]]


def _cosines(index: VectorIndex, vector: NDArray[np.float32], numbers: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the cosine of each number with the vector; zero, which says nothing, where a passage has none."""
    found, products = index.nearest(vector, numbers, len(numbers))
    cosines = np.zeros(len(numbers), dtype=np.float32)
    cosines[np.searchsorted(numbers, found)] = products
    return cosines


def _names_product(snapshot: Snapshot, question: str, numbers: Iterable[int]) -> NDArray[np.float64]:
    named = snapshot.product_ids.intersection(_PRODUCT_NAME.findall(question))
    return np.array([snapshot.passages[n].document.product_id in named for n in numbers], dtype=np.float64)


def _ranked(
    passages: Sequence[Passage], numbers: NDArray[np.int64], scores: NDArray[np.float64], limit: int
) -> list[Hit]:
    hits = [Hit(passages[n], float(score)) for n, score in zip(numbers, scores, strict=True)]
    return sorted(hits, key=lambda hit: (-hit.score, hit.passage.id))[:limit]
