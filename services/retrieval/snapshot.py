"""One immutable index, loaded, and what a search asks of its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.retrieval.asked import AskedTable
from services.retrieval.filters import FilterTable
from services.retrieval.manifest import EncoderEntry, Manifest
from services.retrieval.names import ProductNames
from services.retrieval.passage import Passage


class VectorIndex(Protocol):
    """Vectors of passages, by passage number."""

    @property
    def dimension(self) -> int:
        """Return the length of a vector."""

    def nearest(
        self, vector: NDArray[np.float32], among: NDArray[np.int64], count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return at most `count` numbers of `among` that have a vector, nearest first, with inner products.

        among: ascending, each once.  Raises UpstreamUnavailable where the vectors are elsewhere and out of reach.
        """

    def products(self, vector: NDArray[np.float32], numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the inner product with each of these numbers, (numbers,); zero where a number has no vector."""

    def compared(self, vector: NDArray[np.float32], numbers: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """Return the inner product with each of these numbers, (numbers,), NaN where a number has no vector.

        None where comparing with all of them is not how this index finds the nearest.  numbers: ascending, each once.
        """


class WordScores(Protocol):
    """Word search over passages, or over the questions that they answer."""

    def words(self, question: str) -> list[str]:
        """Return the words of a question as they are counted here, each once."""

    def shares_of(self, words: Sequence[str]) -> NDArray[np.float32]:
        """Return for every passage, (passages,), how much of these words it holds, from 0 to 1."""

    def shares(self, question: str) -> NDArray[np.float32]:
        """Return for every passage, (passages,), how much of the question's words it holds, from 0 to 1."""


@dataclass(frozen=True)
class Space:
    """The vectors of one encoder."""

    encoder: EncoderEntry
    index: VectorIndex


@dataclass(frozen=True)
class Snapshot:
    """One immutable index, loaded; passage numbers are positions in `passages`.

    spaces: in order of preference, one for each of the manifest's encoders; they hold the vectors of passages and of
            questions, these under the numbers of `asked`.
    """

    id: str
    manifest: Manifest
    passages: tuple[Passage, ...]
    table: FilterTable
    spaces: tuple[Space, ...]
    words: WordScores
    asked: AskedTable
    asked_words: WordScores
    expanded_words: WordScores
    names: ProductNames

    @cached_property
    def languages(self) -> tuple[tuple[str, ...], ...]:
        """Return the languages that the encoder of each space knows."""
        return tuple(tuple(space.encoder.languages) for space in self.spaces)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Return the passage numbers by passage id."""
        return {passage.id: number for number, passage in enumerate(self.passages)}
