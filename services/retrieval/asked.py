"""The questions that passages are known to answer, as further ways to find them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.retrieval.passage import Passage

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class AskedOf:
    """A question in a language, and the number of the passage that answers it."""

    owner: int
    language: str
    text: str


def asked_of(passages: Sequence[Passage]) -> list[AskedOf]:
    """Return the questions of all passages in order; those of a section that was cut belong to each of its parts."""
    return [entry for number, passage in enumerate(passages) for entry in _asked_of(number, passage)]


class AskedTable:
    """Which passage each question belongs to. A question's number follows those of the passages: the first is P.

    owners: passage number of each question, (questions,), ascending.
    """

    def __init__(self, passages: Sequence[Passage]) -> None:
        entries = asked_of(passages)
        self._first = len(passages)
        self.owners: Numbers = np.array([entry.owner for entry in entries], dtype=np.int64)
        languages = np.array([entry.language for entry in entries], dtype=np.str_)
        self._numbers = {str(one): self._first + np.flatnonzero(languages == one) for one in np.unique(languages)}
        self._has = np.zeros(len(passages), dtype=bool)
        self._has[self.owners] = True

    def has_any(self, passages: Numbers) -> NDArray[np.bool_]:
        """Return for each of these passages whether it has questions, (passages,)."""
        return np.asarray(self._has[passages])

    def numbers(self, language: str, passages: Numbers) -> Numbers:
        """Return the numbers of the questions in this language that belong to these passages, ascending."""
        numbers = self._numbers.get(language)
        if numbers is None:
            return np.empty(0, dtype=np.int64)
        belongs = np.zeros(self._first, dtype=bool)
        belongs[passages] = True
        return numbers[belongs[self.owners_of(numbers)]]

    def owners_of(self, numbers: Numbers) -> Numbers:
        """Return the passage of each of these questions."""
        return np.asarray(self.owners[numbers - self._first])

    def best(self, passages: Numbers, numbers: Numbers, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return for each passage the largest values of its questions, (kinds, passages); zero where none is larger.

        passages: ascending.  numbers: of questions of theirs, ascending.  values: (kinds, questions).
        """
        best = np.zeros((len(values), len(passages)), dtype=np.float32)
        if len(numbers):
            owners = self.owners_of(numbers)
            starts = np.flatnonzero(np.diff(owners, prepend=-1))
            largest = np.maximum.reduceat(values, starts, axis=1)
            best[:, np.searchsorted(passages, owners[starts])] = np.maximum(largest, 0)
        return best


def _asked_of(number: int, passage: Passage) -> Iterator[AskedOf]:
    for one in passage.document.asked:
        if one.heading == passage.heading:
            yield AskedOf(number, one.language, one.text)
