"""Find the passages that answer a question: by words and by meaning, within and across languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from services.retrieval.copies import without_copies
from services.retrieval.features import Evidence, features_of
from services.retrieval.filters import PassageFilter
from services.retrieval.language import language_of
from services.retrieval.passage import Passage
from services.retrieval.questions import QueryEncoder, Vector, embed_questions
from services.retrieval.relevance import RelevanceModel, probability
from services.retrieval.snapshot import Snapshot, Space

# How many passages each of the searches proposes; far above the largest limit, so that none is lost to the cut.
_CANDIDATES = 200
# How many ranked passages are looked at for each one wanted, so that copies left out are made up for.
_SPARE = 3

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Query:
    """A question with what may be returned.

    limit:         at least 1.
    min_relevance: 0 to 1; None: what the relevance model was calibrated to.
    """

    text: str
    limit: int
    as_of: date
    filter: PassageFilter = field(default_factory=PassageFilter)
    min_relevance: float | None = None


@dataclass(frozen=True)
class Hit:
    """A passage with its log-odds of relevance as score, comparable within one answer, and its relevance, 0 to 1."""

    passage: Passage
    score: float
    relevance: float


@dataclass(frozen=True)
class Found:
    """The answer to a query.

    is_any_eligible: whether any passage matched the filter.
    best_relevance:  of the nearest passage, returned or not; 0 without one.
    """

    hits: tuple[Hit, ...]
    is_any_eligible: bool
    best_relevance: float


@dataclass(frozen=True)
class Engine:
    """What a search needs besides a snapshot.

    encoders:  one for each of the snapshot's spaces, in the same order.
    withdrawn: ids of documents that may not be returned.
    """

    encoders: Sequence[QueryEncoder]
    relevance: RelevanceModel
    withdrawn: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Asked:
    """A query with its language and the passages it may find, by their language."""

    query: Query
    language: str
    eligible: Mapping[str, Numbers]


@dataclass(frozen=True)
class Candidates:
    """Passages worth a closer look, all in one language, with their features, (passages, features)."""

    asked: str
    written: str
    numbers: Numbers
    features: NDArray[np.float64]


def search(snapshot: Snapshot, engine: Engine, queries: Sequence[Query]) -> list[Found]:
    """Return what each query finds, best first, equal scores by passage id; each encoder is called at most once."""
    return [
        _answer(groups, _ranked(snapshot.passages, groups, engine.relevance), query, engine.relevance.threshold)
        for query, groups in zip(queries, candidates(snapshot, engine, queries), strict=True)
    ]


def candidates(snapshot: Snapshot, engine: Engine, queries: Sequence[Query]) -> list[list[Candidates]]:
    """Return the candidates of each query, a group for each language in which passages are eligible."""
    asked = [_asked(snapshot, engine, query) for query in queries]
    vectors = [
        _vectors(encoder, [one for one in asked if _needs(one, number, snapshot)])
        for number, encoder in enumerate(engine.encoders)
    ]
    return [_candidates(snapshot, one, vectors) for one in asked]


def _asked(snapshot: Snapshot, engine: Engine, query: Query) -> _Asked:
    eligible = snapshot.table.eligible(query.filter, query.as_of, engine.withdrawn)
    return _Asked(query, language_of(query.text), snapshot.table.by_language(eligible))


def _space(snapshot: Snapshot, asked: str, written: str) -> int | None:
    """Return the number of the first encoder that knows both languages."""
    for number, space in enumerate(snapshot.spaces):
        if asked in space.encoder.languages and written in space.encoder.languages:
            return number
    return None


def _needs(asked: _Asked, encoder: int, snapshot: Snapshot) -> bool:
    return any(_space(snapshot, asked.language, written) == encoder for written in asked.eligible)


def _vectors(encoder: QueryEncoder, asked: Sequence[_Asked]) -> dict[str, Vector]:
    texts = list(dict.fromkeys(one.query.text for one in asked))
    return dict(zip(texts, embed_questions(encoder, texts), strict=True))


def _candidates(snapshot: Snapshot, asked: _Asked, vectors: Sequence[Mapping[str, Vector]]) -> list[Candidates]:
    text = asked.query.text
    shares = snapshot.words.shares(text)
    named = snapshot.names.named(text)
    groups = []
    for written, eligible in asked.eligible.items():
        number = _space(snapshot, asked.language, written)
        space = None if number is None else snapshot.spaces[number]
        vector = None if number is None else vectors[number][text]
        numbers, cosines = _nearest(eligible, shares, vector, space)
        passages = [snapshot.passages[number] for number in numbers]
        features = features_of(Evidence(cosines, shares[numbers]), passages, named)
        groups.append(Candidates(asked.language, written, numbers, features))
    return groups


def _nearest(
    eligible: Numbers, shares: NDArray[np.float32], vector: Vector | None, space: Space | None
) -> tuple[Numbers, NDArray[np.float32]]:
    """Return the passages that share most words, and those nearest in meaning, with their cosines."""
    by_words = eligible[np.argsort(-shares[eligible], kind="stable")[:_CANDIDATES]]
    by_words = by_words[shares[by_words] > 0]
    if vector is None or space is None:
        return by_words, np.zeros(len(by_words), dtype=np.float32)
    near, _ = space.index.nearest(vector, eligible, _CANDIDATES)
    numbers = np.union1d(near, by_words)
    return numbers, space.index.products(vector, numbers)


def _ranked(passages: Sequence[Passage], groups: Sequence[Candidates], relevance: RelevanceModel) -> list[Hit]:
    hits = [
        Hit(passages[number], float(score), 0.0)
        for group in groups
        for number, score in zip(
            group.numbers, relevance.log_odds(group.asked, group.written, group.features), strict=True
        )
    ]
    return sorted(hits, key=lambda hit: (-hit.score, hit.passage.id))


def _answer(groups: Sequence[Candidates], ranked: Sequence[Hit], query: Query, threshold: float) -> Found:
    least = threshold if query.min_relevance is None else query.min_relevance
    top = [replace(hit, relevance=probability(hit.score)) for hit in ranked[: query.limit * _SPARE]]
    relevant = [hit for hit in top if hit.relevance >= least]
    kept = without_copies([hit.passage for hit in relevant], query.limit)
    best = top[0].relevance if top else 0.0
    return Found(tuple(relevant[position] for position in kept), bool(groups), best)
