"""Find the passages that answer a question: by words and by meaning, within and across languages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain, groupby, takewhile

import numpy as np
from numpy.typing import NDArray

from services.retrieval.copies import without_copies
from services.retrieval.evidence import Asked, gathered, spaces_for
from services.retrieval.features import FIRST_OF_QUESTIONS, features_of
from services.retrieval.filters import PassageFilter
from services.retrieval.language import language_of
from services.retrieval.passage import Passage
from services.retrieval.questions import QueryEncoder, Vector, embed_questions
from services.retrieval.relevance import Pair, RelevanceModel, probability
from services.retrieval.snapshot import Snapshot

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
    reranks:   whether known questions, named products and the kind of question count; else meaning and words alone.
    """

    encoders: Sequence[QueryEncoder]
    relevance: RelevanceModel
    withdrawn: frozenset[str] = frozenset()
    reranks: bool = True

    def least_relevance(self, query: Query) -> float:
        """Return the relevance below which a passage is left out, 0 to 1."""
        return self.relevance.threshold if query.min_relevance is None else query.min_relevance


@dataclass(frozen=True)
class Candidates:
    """Passages worth a closer look, all of one kind of pair, with their features, (passages, features).

    scope: what the kind of question adds to the log-odds of each, see `Scope`.
    """

    pair: Pair
    numbers: Numbers
    features: NDArray[np.float64]
    scope: float = 0.0


def search(snapshot: Snapshot, engine: Engine, queries: Sequence[Query]) -> list[Found]:
    """Return what each query finds, best first, equal scores by passage id; each encoder is called at most once."""
    found = []
    for query, groups in zip(queries, candidates(snapshot, engine, queries), strict=True):
        ranked = _ranked(snapshot.passages, groups, engine.relevance)
        found.append(_answer(ranked, query.limit, engine.least_relevance(query)))
    return found


def candidates(snapshot: Snapshot, engine: Engine, queries: Sequence[Query]) -> list[list[Candidates]]:
    """Return the candidates of each query, a group for each language in which passages are eligible."""
    asked = [_asked(snapshot, engine, query) for query in queries]
    judge = _judge(snapshot, engine)
    vectors = [
        _vectors(encoder, [one for one in asked if number in spaces_for(snapshot, one) or number == judge])
        for number, encoder in enumerate(engine.encoders)
    ]
    scope = engine.relevance.scope
    scopes = [0.0 if judge is None or scope is None else scope.log_odds(vectors[judge][one.text]) for one in asked]
    return [_candidates(snapshot, one, vectors, scope) for one, scope in zip(asked, scopes, strict=True)]


def _judge(snapshot: Snapshot, engine: Engine) -> int | None:
    """Return the number of the encoder whose vectors tell the scope of questions; None where nothing does."""
    scope = engine.relevance.scope
    if scope is None or not engine.reranks:
        return None
    return [space.encoder.name for space in snapshot.spaces].index(scope.encoder)


def _asked(snapshot: Snapshot, engine: Engine, query: Query) -> Asked:
    by_language = snapshot.table.eligible_by_language(query.filter, query.as_of, engine.withdrawn)
    return Asked(query.text, language_of(query.text), by_language, engine.withdrawn, with_known=engine.reranks)


def _vectors(encoder: QueryEncoder, asked: Sequence[Asked]) -> dict[str, Vector]:
    texts = list(dict.fromkeys(one.text for one in asked))
    return dict(zip(texts, embed_questions(encoder, texts), strict=True))


def _candidates(
    snapshot: Snapshot, asked: Asked, vectors: Sequence[Mapping[str, Vector]], scope: float
) -> list[Candidates]:
    groups = []
    for written, numbers, evidence in gathered(snapshot, asked, vectors):
        features = features_of(evidence)
        if not asked.with_known:
            groups.append(Candidates(Pair(asked.language, written, has_questions=False), numbers, features))
            continue
        has_questions = snapshot.asked.has_any(numbers)
        features[~has_questions, FIRST_OF_QUESTIONS:] = 0.0
        for has, rows in ((False, ~has_questions), (True, has_questions)):
            if rows.any():
                pair = Pair(asked.language, written, has)
                groups.append(Candidates(pair, numbers[rows], features[rows], scope if has else 0.0))
    return groups


def _ranked(passages: Sequence[Passage], groups: Sequence[Candidates], relevance: RelevanceModel) -> Iterator[Hit]:
    """Yield all candidates, best first, equal scores by passage id."""
    if not groups:
        return
    numbers = np.concatenate([group.numbers for group in groups]).tolist()
    scores = np.concatenate([relevance.log_odds(group.pair, group.features) + group.scope for group in groups])
    order = np.argsort(-scores, kind="stable").tolist()
    for score, tied in groupby(order, scores.tolist().__getitem__):
        for passage in sorted((passages[numbers[place]] for place in tied), key=lambda one: one.id):
            yield Hit(passage, score, probability(score))


def _answer(ranked: Iterator[Hit], limit: int, least: float) -> Found:
    first = next(ranked, None)
    if first is None:
        return Found((), is_any_eligible=False, best_relevance=0.0)
    relevant = takewhile(lambda hit: hit.relevance >= least, chain([first], ranked))
    kept = without_copies(relevant, lambda hit: hit.passage, limit)
    return Found(tuple(kept), is_any_eligible=True, best_relevance=first.relevance)
