"""The passages that are worth a closer look for a question, with what each search says about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.retrieval.features import Evidence
from services.retrieval.nearness import Nearness, Nowhere, nearness
from services.retrieval.questions import Vector
from services.retrieval.snapshot import Snapshot
from services.retrieval.vector_rows import largest

# How many passages each of the searches proposes; far above the largest limit, so that none is lost to the cut.
_CANDIDATES = 200
# A document proposes at most so many of them, or a long one made for it would keep all others out.
_OF_ONE_DOCUMENT = 50
_ROUNDS = 8

Numbers = NDArray[np.int64]
Shares = NDArray[np.float32]


@dataclass(frozen=True)
class Asked:
    """A question with its language and the passages it may find, by their language.

    withdrawn: ids of documents that have no say.
    with_known: whether the questions that passages are known to answer are searched too.
    """

    text: str
    language: str
    eligible: Mapping[str, Numbers]
    withdrawn: frozenset[str] = frozenset()
    with_known: bool = True


@dataclass(frozen=True)
class _Searches:
    """What one question finds, by words and by meaning, in passages of one language and in their known questions."""

    shares: Shares
    question_shares: Shares
    expanded_shares: Shares
    near: Nearness
    near_questions: Nearness


def gathered(
    snapshot: Snapshot, asked: Asked, vectors: Sequence[Mapping[str, Vector]]
) -> Iterator[tuple[str, Numbers, Evidence]]:
    """Return for each language in which passages are eligible: the language, passage numbers ascending, evidence.

    vectors: of the question, by its text, for each of the snapshot's spaces that `spaces_for` names.
    """
    words = snapshot.words.words(asked.text)
    shares = snapshot.words.shares_of(words), *_known_shares(snapshot, asked, words)
    near = _nearness_by_space(snapshot, asked, vectors)
    named = snapshot.names.named(asked.text, asked.withdrawn)
    for written, eligible in asked.eligible.items():
        by_meaning = near[_space(snapshot, asked.language, written)], near[_space(snapshot, asked.language)]
        searches = _Searches(*shares, *by_meaning)
        numbers = _worth_a_look(snapshot, asked, eligible, searches)
        yield written, numbers, _evidence(snapshot, asked, numbers, searches, named)


def spaces_for(snapshot: Snapshot, asked: Asked) -> set[int]:
    """Return the numbers of the spaces in which a question is looked for; none where nothing is eligible."""
    spaces = {_space(snapshot, asked.language, written) for written in asked.eligible}
    return (spaces | {_space(snapshot, asked.language)} if spaces else set()) - {None}  # type: ignore[return-value]


def _known_shares(snapshot: Snapshot, asked: Asked, words: Sequence[str]) -> tuple[Shares, Shares]:
    """Return how much of these words each known question holds, and each passage with its known questions."""
    if not asked.with_known:
        return np.empty(0, dtype=np.float32), np.zeros(len(snapshot.passages), dtype=np.float32)
    return snapshot.asked_words.shares_of(words), snapshot.expanded_words.shares_of(words)


def _space(snapshot: Snapshot, *languages: str) -> int | None:
    """Return the number of the first encoder that knows all these languages."""
    for number, space in enumerate(snapshot.spaces):
        if all(language in space.encoder.languages for language in languages):
            return number
    return None


def _nearness_by_space(
    snapshot: Snapshot, asked: Asked, vectors: Sequence[Mapping[str, Vector]]
) -> dict[int | None, Nearness]:
    near: dict[int | None, Nearness] = {None: Nowhere()}
    for number in spaces_for(snapshot, asked):
        numbers = _looked_for(snapshot, asked, number)
        near[number] = nearness(snapshot.spaces[number].index, vectors[number][asked.text], numbers)
    return near


def _looked_for(snapshot: Snapshot, asked: Asked, space: int) -> Numbers:
    """Return the numbers of the passages and questions that are looked for in this space, ascending."""
    is_passage = np.zeros(len(snapshot.passages), dtype=bool)
    is_owner = np.zeros(len(snapshot.passages), dtype=bool)
    for written, eligible in asked.eligible.items():
        is_owner[eligible] = True
        if _space(snapshot, asked.language, written) == space:
            is_passage[eligible] = True
    passages = np.flatnonzero(is_passage)
    if _space(snapshot, asked.language) != space:
        return passages
    return np.concatenate([passages, _known(snapshot, asked, np.flatnonzero(is_owner))])


def _known(snapshot: Snapshot, asked: Asked, passages: Numbers) -> Numbers:
    """Return the numbers of the questions, in the language of this one, that these passages are known to answer."""
    return snapshot.asked.numbers(asked.language, passages) if asked.with_known else np.empty(0, dtype=np.int64)


def _worth_a_look(snapshot: Snapshot, asked: Asked, eligible: Numbers, searches: _Searches) -> Numbers:
    """Return the passages that any search proposes: by words or meaning, over passages, known questions or both."""
    first, owners_of = len(snapshot.passages), snapshot.asked.owners_of
    questions = _known(snapshot, asked, eligible)
    worth = np.zeros(first, dtype=bool)
    worth[_spread(snapshot, eligible, lambda among: _sharing(among, searches.shares))] = True
    worth[_spread(snapshot, eligible, lambda among: searches.near.nearest(among, _CANDIDATES))] = True
    worth[owners_of(_sharing(questions - first, searches.question_shares) + first)] = True
    if asked.with_known:
        worth[_spread(snapshot, eligible, lambda among: _sharing(among, searches.expanded_shares))] = True
    worth[owners_of(searches.near_questions.nearest(questions, _CANDIDATES))] = True
    return np.flatnonzero(worth)


def _spread(snapshot: Snapshot, among: Numbers, search: Callable[[Numbers], Numbers]) -> Numbers:
    """Return what a search proposes; where one document crowds it, the search goes on among the others."""
    kept = []
    for _ in range(_ROUNDS):
        found = search(among)
        documents = snapshot.table.documents(found)
        crowding = _crowding(documents)
        if not len(crowding):
            kept.append(found)
            break
        kept += [found[documents == one][:_OF_ONE_DOCUMENT] for one in crowding]
        kept.append(found[~np.isin(documents, crowding)])
        among = among[~np.isin(snapshot.table.documents(among), crowding)]
    return np.concatenate(kept)


def _crowding(documents: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return each document that stands here more often than one may."""
    ordered = np.sort(documents)
    repeated = ordered[_OF_ONE_DOCUMENT:]
    return np.asarray(np.unique(repeated[repeated == ordered[: len(repeated)]]) if len(repeated) else repeated)


def _sharing(numbers: Numbers, shares: Shares) -> Numbers:
    own = shares[numbers]
    some = np.flatnonzero(own)
    return numbers[some[largest(own[some], _CANDIDATES)]]


def _evidence(
    snapshot: Snapshot, asked: Asked, numbers: Numbers, searches: _Searches, named: frozenset[str]
) -> Evidence:
    questions = _known(snapshot, asked, numbers)
    cosines = searches.near_questions.products(questions)
    shares = searches.question_shares[questions - len(snapshot.passages)]
    question_cosines, question_shares = snapshot.asked.best(numbers, questions, np.stack([cosines, shares]))
    is_named, is_other = snapshot.table.about(named, numbers) if named else (_none(numbers), _none(numbers))
    return Evidence(
        cosines=searches.near.products(numbers),
        shares=searches.shares[numbers],
        is_named=is_named,
        is_other=is_other,
        question_cosines=question_cosines,
        question_shares=question_shares,
        expanded_shares=searches.expanded_shares[numbers],
        names_product=bool(named),
    )


def _none(numbers: Numbers) -> NDArray[np.bool_]:
    return np.zeros(len(numbers), dtype=bool)
