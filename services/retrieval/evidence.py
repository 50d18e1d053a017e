"""The passages that are worth a closer look for a question, with what each search says about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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

Numbers = NDArray[np.int64]
Shares = NDArray[np.float32]


@dataclass(frozen=True)
class Asked:
    """A question with its language and the passages it may find, by their language."""

    text: str
    language: str
    eligible: Mapping[str, Numbers]


@dataclass(frozen=True)
class _Searches:
    """What one question finds, by words and by meaning, in passages of one language and in their known questions."""

    shares: Shares
    question_shares: Shares
    near: Nearness
    near_questions: Nearness


def gathered(
    snapshot: Snapshot, asked: Asked, vectors: Sequence[Mapping[str, Vector]]
) -> Iterator[tuple[str, Numbers, Evidence]]:
    """Return for each language in which passages are eligible: the language, passage numbers ascending, evidence.

    vectors: of the question, by its text, for each of the snapshot's spaces that `spaces_for` names.
    """
    words = snapshot.words.words(asked.text)
    shares = snapshot.words.shares_of(words), snapshot.asked_words.shares_of(words)
    near = _nearness_by_space(snapshot, asked, vectors)
    named = snapshot.names.named(asked.text)
    for written, eligible in asked.eligible.items():
        by_meaning = near[_space(snapshot, asked.language, written)], near[_space(snapshot, asked.language)]
        searches = _Searches(*shares, *by_meaning)
        numbers = _worth_a_look(snapshot, asked.language, eligible, searches)
        yield written, numbers, _evidence(snapshot, asked.language, numbers, searches, named)


def spaces_for(snapshot: Snapshot, asked: Asked) -> set[int]:
    """Return the numbers of the spaces in which a question is looked for; none where nothing is eligible."""
    spaces = {_space(snapshot, asked.language, written) for written in asked.eligible}
    return (spaces | {_space(snapshot, asked.language)} if spaces else set()) - {None}  # type: ignore[return-value]


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
    return np.concatenate([passages, snapshot.asked.numbers(asked.language, np.flatnonzero(is_owner))])


def _worth_a_look(snapshot: Snapshot, language: str, eligible: Numbers, searches: _Searches) -> Numbers:
    """Return the passages that the four searches propose: words and meaning, of passages and of their questions."""
    first, asked = len(snapshot.passages), snapshot.asked
    questions = asked.numbers(language, eligible)
    worth = np.zeros(first, dtype=bool)
    worth[_sharing(eligible, searches.shares)] = True
    worth[searches.near.nearest(eligible, _CANDIDATES)] = True
    worth[asked.owners_of(_sharing(questions - first, searches.question_shares) + first)] = True
    worth[asked.owners_of(searches.near_questions.nearest(questions, _CANDIDATES))] = True
    return np.flatnonzero(worth)


def _sharing(numbers: Numbers, shares: Shares) -> Numbers:
    own = shares[numbers]
    some = np.flatnonzero(own)
    return numbers[some[largest(own[some], _CANDIDATES)]]


def _evidence(
    snapshot: Snapshot, language: str, numbers: Numbers, searches: _Searches, named: frozenset[str]
) -> Evidence:
    questions = snapshot.asked.numbers(language, numbers)
    cosines = searches.near_questions.products(questions)
    shares = searches.question_shares[questions - len(snapshot.passages)]
    return Evidence(
        searches.near.products(numbers),
        searches.shares[numbers],
        *(snapshot.table.about(named, numbers) if named else (_none(numbers), _none(numbers))),
        *snapshot.asked.best(numbers, questions, np.stack([cosines, shares])),
    )


def _none(numbers: Numbers) -> NDArray[np.bool_]:
    return np.zeros(len(numbers), dtype=bool)
