"""Find the passages that answer a question: by words and by meaning, within and across languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from services.retrieval.copies import without_copies
from services.retrieval.evidence import Asked, gathered, spaces_for
from services.retrieval.features import features_of
from services.retrieval.filters import PassageFilter
from services.retrieval.language import language_of
from services.retrieval.passage import Passage
from services.retrieval.questions import QueryEncoder, Vector, embed_questions
from services.retrieval.relevance import Pair, RelevanceModel, probability
from services.retrieval.snapshot import Snapshot

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
class Candidates:
    """Passages worth a closer look, all of one kind of pair, with their features, (passages, features)."""

    pair: Pair
    numbers: Numbers
    features: NDArray[np.float64]


def search(snapshot: Snapshot, engine: Engine, queries: Sequence[Query]) -> list[Found]:
    """Return what each query finds, best first, equal scores by passage id; each encoder is called at most once."""
    found = []
    for query, groups in zip(queries, candidates(snapshot, engine, queries), strict=True):
        ranked = _ranked(snapshot.passages, groups, engine.relevance, query.limit * _SPARE)
        found.append(_answer(groups, ranked, query, engine.relevance.threshold))
    return found


def candidates(snapshot: Snapshot, engine: Engine, queries: Sequence[Query]) -> list[list[Candidates]]:
    """Return the candidates of each query, a group for each language in which passages are eligible."""
    asked = [_asked(snapshot, engine, query) for query in queries]
    vectors = [
        _vectors(encoder, [one for one in asked if number in spaces_for(snapshot, one)])
        for number, encoder in enumerate(engine.encoders)
    ]
    return [_candidates(snapshot, one, vectors) for one in asked]


def _asked(snapshot: Snapshot, engine: Engine, query: Query) -> Asked:
    eligible = snapshot.table.eligible(query.filter, query.as_of, engine.withdrawn)
    return Asked(query.text, language_of(query.text), snapshot.table.by_language(eligible))


def _vectors(encoder: QueryEncoder, asked: Sequence[Asked]) -> dict[str, Vector]:
    texts = list(dict.fromkeys(one.text for one in asked))
    return dict(zip(texts, embed_questions(encoder, texts), strict=True))


def _candidates(snapshot: Snapshot, asked: Asked, vectors: Sequence[Mapping[str, Vector]]) -> list[Candidates]:
    groups = []
    for written, numbers, evidence in gathered(snapshot, asked, vectors):
        features = features_of(evidence)
        has_questions = snapshot.asked.has_any(numbers)
        for has, rows in ((False, ~has_questions), (True, has_questions)):
            if rows.any():
                groups.append(Candidates(Pair(asked.language, written, has), numbers[rows], features[rows]))
    return groups


def _ranked(
    passages: Sequence[Passage], groups: Sequence[Candidates], relevance: RelevanceModel, count: int
) -> list[Hit]:
    """Return at most `count` hits, best first, equal scores by passage id."""
    if not groups:
        return []
    numbers = np.concatenate([group.numbers for group in groups])
    scores = np.concatenate([relevance.log_odds(group.pair, group.features) for group in groups])
    if len(scores) > count:
        # All that tie with the last one stay until their ids have decided.
        good = scores >= np.partition(scores, -count)[-count]
        numbers, scores = numbers[good], scores[good]
    hits = [
        Hit(passages[number], score, probability(score))
        for number, score in zip(numbers.tolist(), scores.tolist(), strict=True)
    ]
    return sorted(hits, key=lambda hit: (-hit.score, hit.passage.id))[:count]


def _answer(groups: Sequence[Candidates], ranked: Sequence[Hit], query: Query, threshold: float) -> Found:
    least = threshold if query.min_relevance is None else query.min_relevance
    relevant = [hit for hit in ranked if hit.relevance >= least]
    kept = without_copies([hit.passage for hit in relevant], query.limit)
    best = ranked[0].relevance if ranked else 0.0
    return Found(tuple(relevant[position] for position in kept), bool(groups), best)
