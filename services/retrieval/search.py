"""Find the passages that answer a question: by words and by meaning, within and across languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from services.retrieval.copies import without_copies
from services.retrieval.features import Evidence, features_of
from services.retrieval.filters import PassageFilter
from services.retrieval.language import language_of
from services.retrieval.passage import Passage
from services.retrieval.questions import QueryEncoder, Vector, embed_questions
from services.retrieval.relevance import Pair, RelevanceModel, probability
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
        _vectors(encoder, [one for one in asked if _needs(one, number, snapshot)])
        for number, encoder in enumerate(engine.encoders)
    ]
    return [_candidates(snapshot, one, vectors) for one in asked]


def _asked(snapshot: Snapshot, engine: Engine, query: Query) -> _Asked:
    eligible = snapshot.table.eligible(query.filter, query.as_of, engine.withdrawn)
    return _Asked(query, language_of(query.text), snapshot.table.by_language(eligible))


def _space(snapshot: Snapshot, *languages: str) -> int | None:
    """Return the number of the first encoder that knows all these languages."""
    for number, space in enumerate(snapshot.spaces):
        if set(languages) <= set(space.encoder.languages):
            return number
    return None


def _needs(asked: _Asked, encoder: int, snapshot: Snapshot) -> bool:
    wanted = {_space(snapshot, asked.language, written) for written in asked.eligible}
    return bool(wanted) and encoder in wanted | {_space(snapshot, asked.language)}


def _vectors(encoder: QueryEncoder, asked: Sequence[_Asked]) -> dict[str, Vector]:
    texts = list(dict.fromkeys(one.query.text for one in asked))
    return dict(zip(texts, embed_questions(encoder, texts), strict=True))


def _candidates(snapshot: Snapshot, asked: _Asked, vectors: Sequence[Mapping[str, Vector]]) -> list[Candidates]:
    text = asked.query.text
    shares = snapshot.words.shares(text)
    question_shares = snapshot.asked_words.shares(text)
    named = snapshot.names.named(text)
    groups = []
    for written, eligible in asked.eligible.items():
        by_passage = _Nearness.of(snapshot, _space(snapshot, asked.language, written), text, vectors)
        by_question = _Nearness.of(snapshot, _space(snapshot, asked.language), text, vectors)
        questions = snapshot.asked.numbers(asked.language, eligible)
        numbers = _worth_a_look(snapshot, eligible, questions, (shares, question_shares), (by_passage, by_question))
        evidence = Evidence(
            by_passage.products(numbers),
            shares[numbers],
            *_by_questions(snapshot, asked.language, numbers, by_question, question_shares),
        )
        features = features_of(evidence, [snapshot.passages[number] for number in numbers], named)
        has_questions = snapshot.asked.has_any(numbers)
        for has in np.unique(has_questions):
            rows = has_questions == has
            groups.append(Candidates(Pair(asked.language, written, bool(has)), numbers[rows], features[rows]))
    return groups


@dataclass(frozen=True)
class _Nearness:
    """The question's vector in one space; without a space nothing is near."""

    space: Space | None
    vector: Vector | None

    @classmethod
    def of(cls, snapshot: Snapshot, space: int | None, text: str, vectors: Sequence[Mapping[str, Vector]]) -> _Nearness:
        return cls(None, None) if space is None else cls(snapshot.spaces[space], vectors[space][text])

    def nearest(self, among: Numbers) -> Numbers:
        if self.space is None or self.vector is None:
            return np.empty(0, dtype=np.int64)
        return self.space.index.nearest(self.vector, among, _CANDIDATES)[0]

    def products(self, numbers: Numbers) -> NDArray[np.float32]:
        if self.space is None or self.vector is None:
            return np.zeros(len(numbers), dtype=np.float32)
        return self.space.index.products(self.vector, numbers)


def _worth_a_look(
    snapshot: Snapshot,
    eligible: Numbers,
    questions: Numbers,
    shares: tuple[NDArray[np.float32], NDArray[np.float32]],
    nearness: tuple[_Nearness, _Nearness],
) -> Numbers:
    """Return the passages that the four searches propose: words and meaning, of passages and of their questions."""
    first = len(snapshot.passages)
    asked = np.union1d(_sharing(questions - first, shares[1]) + first, nearness[1].nearest(questions))
    found = (_sharing(eligible, shares[0]), nearness[0].nearest(eligible), snapshot.asked.owners_of(asked))
    return np.unique(np.concatenate(found))


def _sharing(numbers: Numbers, shares: NDArray[np.float32]) -> Numbers:
    most = numbers[np.argsort(-shares[numbers], kind="stable")[:_CANDIDATES]]
    return most[shares[most] > 0]


def _by_questions(
    snapshot: Snapshot, language: str, passages: Numbers, nearness: _Nearness, shares: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the largest cosine and the largest share over each passage's questions in this language."""
    questions = snapshot.asked.numbers(language, passages)
    cosines = nearness.products(questions)
    own = shares[questions - len(snapshot.passages)]
    return tuple(snapshot.asked.best(passages, questions, values) for values in (cosines, own))  # type: ignore[return-value]


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
