"""The passages that are worth a closer look for a question, with what each search says about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

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
    with_known: whether what reranks counts: the questions that passages are known to answer, which are searched too,
          and the products that are named.
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
    named = snapshot.names.named(asked.text, asked.withdrawn) if asked.with_known else frozenset()
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
    return _first_that_knows(snapshot.languages, languages)


# Asked a dozen times in a search, with few different answers.
@lru_cache(maxsize=64)
def _first_that_knows(spaces: tuple[tuple[str, ...], ...], languages: tuple[str, ...]) -> int | None:
    return next((number for number, known in enumerate(spaces) if set(languages) <= set(known)), None)


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
    passages = _united(
        snapshot,
        [own for written, own in asked.eligible.items() if _space(snapshot, asked.language, written) == space],
    )
    if not asked.with_known or _space(snapshot, asked.language) != space:
        return passages
    return np.concatenate([passages, _known(snapshot, asked, _united(snapshot, [*asked.eligible.values()]))])


def _united(snapshot: Snapshot, parts: Sequence[Numbers]) -> Numbers:
    """Return the passage numbers of all these parts, ascending; each part ascends."""
    if len(parts) == 1:
        return parts[0]
    is_passage = np.zeros(len(snapshot.passages), dtype=bool)
    for part in parts:
        is_passage[part] = True
    return np.flatnonzero(is_passage)


def _known(snapshot: Snapshot, asked: Asked, passages: Numbers) -> Numbers:
    """Return the numbers of the questions, in the language of this one, that these passages are known to answer."""
    return snapshot.asked.numbers(asked.language, passages) if asked.with_known else np.empty(0, dtype=np.int64)


def _worth_a_look(snapshot: Snapshot, asked: Asked, eligible: Numbers, searches: _Searches) -> Numbers:
    """Return the passages that any search proposes: by words or meaning, over passages, known questions or both."""
    worth = np.zeros(len(snapshot.passages), dtype=bool)
    worth[_spread(snapshot, eligible, lambda among: _sharing(among, searches.shares))] = True
    worth[_spread(snapshot, eligible, lambda among: searches.near.nearest(among, _CANDIDATES))] = True
    if asked.with_known:
        worth[_spread(snapshot, eligible, lambda among: _sharing(among, searches.expanded_shares))] = True
        worth[_owners(snapshot, _known(snapshot, asked, eligible), searches)] = True
    return np.flatnonzero(worth)


def _owners(snapshot: Snapshot, questions: Numbers, searches: _Searches) -> Numbers:
    """Return the passages that known questions propose, by words or meaning."""
    first = len(snapshot.passages)
    by_words = _sharing(questions - first, searches.question_shares) + first
    by_meaning = searches.near_questions.nearest(questions, _CANDIDATES)
    return snapshot.asked.owners_of(np.concatenate([by_words, by_meaning]))


def _spread(snapshot: Snapshot, among: Numbers, search: Callable[[Numbers], Numbers]) -> Numbers:
    """Return what a search proposes; where one document crowds it, the search goes on among the others."""
    kept: list[Numbers] = []
    for _ in range(_ROUNDS):
        found = search(among)
        documents = snapshot.table.documents(found)
        crowding = _crowding(documents)
        if not len(crowding):
            return np.concatenate([*kept, found]) if kept else found
        kept += [found[documents == one][:_OF_ONE_DOCUMENT] for one in crowding]
        kept.append(found[~np.isin(documents, crowding)])
        among = among[~np.isin(snapshot.table.documents(among), crowding)]
    return np.concatenate(kept)


def _crowding(documents: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return each document that stands here more often than one may."""
    ordered = np.sort(documents)
    repeated = ordered[_OF_ONE_DOCUMENT:]
    repeated = repeated[repeated == ordered[: len(repeated)]]
    return np.unique(repeated) if len(repeated) else repeated


def _sharing(numbers: Numbers, shares: Shares) -> Numbers:
    own = shares[numbers]
    some = np.flatnonzero(own)
    return numbers[some[largest(own[some], _CANDIDATES)]]


def _evidence(
    snapshot: Snapshot, asked: Asked, numbers: Numbers, searches: _Searches, named: frozenset[str]
) -> Evidence:
    question_cosines, question_shares = _best_of_questions(snapshot, asked, numbers, searches)
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


def _best_of_questions(snapshot: Snapshot, asked: Asked, numbers: Numbers, searches: _Searches) -> NDArray[np.float32]:
    """Return the largest cosine and share among the known questions of each passage, (2, passages)."""
    if not asked.with_known:
        return np.zeros((2, len(numbers)), dtype=np.float32)
    questions = _known(snapshot, asked, numbers)
    cosines = searches.near_questions.products(questions)
    shares = searches.question_shares[questions - len(snapshot.passages)]
    return snapshot.asked.best(numbers, questions, np.stack([cosines, shares]))


def _none(numbers: Numbers) -> NDArray[np.bool_]:
    return np.zeros(len(numbers), dtype=bool)
