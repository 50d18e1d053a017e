"""Word search by BM25: the index that finds names, tickers and product codes, and all there is for Chinese."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bm25s
import numpy as np
from numpy.typing import NDArray

from services.retrieval.words import Segment, words_of

# The library lets its own debugging lines through whatever the root level says.
logging.getLogger("bm25s").setLevel(logging.WARNING)

# Those of Anserini's baselines (Yang, Fang and Lin 2017). Against the textbook's 1.5 and 0.75 they gain three points of
# nDCG on English paragraphs of unequal length, and let the average length, which others can move, matter half as much.
_K1 = 0.9
_B = 0.4


class WordIndex:
    """BM25 scores of passages for a question; read-only and safe to share between threads."""

    def __init__(self, index: bm25s.BM25, segment: Segment) -> None:
        self._index = index
        self._segment = segment
        self._vocabulary: dict[str, int] = index.vocab_dict
        self._count = int(index.scores["num_docs"])
        # The library's own sparse matrix: a row for each word, holders and scores side by side.
        self._starts: list[int] = index.scores["indptr"].tolist()
        self._holders: NDArray[np.integer[Any]] = np.asarray(index.scores["indices"])
        self._scores: NDArray[np.float32] = np.asarray(index.scores["data"])
        self._weight = _weights(np.diff(index.scores["indptr"]), self._count)
        self._unknown = float(_weights(np.zeros(1), self._count)[0])

    @classmethod
    def build(cls, texts: Sequence[str], segment: Segment) -> WordIndex:
        """Index the texts; the same texts give the same bytes on every run."""
        words = [words_of(text, segment) for text in texts]
        vocabulary = {word: number for number, word in enumerate(sorted({word for text in words for word in text}))}
        index = bm25s.BM25(k1=_K1, b=_B, method="lucene")
        numbers = [[vocabulary[word] for word in text] for text in words]
        index.index(bm25s.tokenization.Tokenized(ids=numbers, vocab=vocabulary), show_progress=False)
        return cls(index, segment)

    @classmethod
    def read(cls, folder: Path, segment: Segment) -> WordIndex:
        """Return the index that `write` left in a folder."""
        return cls(bm25s.BM25.load(folder, show_progress=False), segment)

    def write(self, folder: Path) -> None:
        """Write the index into a folder."""
        self._index.save(folder, show_progress=False)
        parameters = folder / "params.index.json"
        # The library's version says nothing about the content and would change the snapshot's digest.
        content = {key: value for key, value in json.loads(parameters.read_text()).items() if key != "version"}
        parameters.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")

    def shares(self, question: str) -> NDArray[np.float32]:
        """Return for every passage, (passages,), its BM25 score as a share of what the question's words could give.

        Zero where no word is shared; near one where a short passage repeats every word. A word that no passage holds
        counts in the question's whole, so that a question about something else has low shares everywhere. The share
        does not depend on what other passages score.
        """
        return self.shares_of(self.words(question))

    def words(self, question: str) -> list[str]:
        """Return the words of a question, each once: repeating one does not make it mean more."""
        return list(dict.fromkeys(words_of(question, self._segment)))

    def shares_of(self, words: Sequence[str]) -> NDArray[np.float32]:
        """Return what `shares` does for a question of these words, each once."""
        known = [self._vocabulary[word] for word in words if word in self._vocabulary]
        scores = np.zeros(self._count, dtype=np.float32)
        if not known:
            return scores
        # The library's `get_scores` does the same and takes twice as long.
        for word in known:
            row = slice(self._starts[word], self._starts[word + 1])
            scores[self._holders[row]] += self._scores[row]
        whole = sum(self._weight[word] for word in known) + (len(words) - len(known)) * self._unknown
        return np.asarray(scores / whole, dtype=np.float32)


def _weights(holders: NDArray[Any], passages: int) -> NDArray[np.float64]:
    """Return the largest score that each word can give: its inverse document frequency in Lucene's form of BM25.

    holders: number of passages that hold the word, (words,).
    """
    return np.asarray(np.log1p((passages - holders + 0.5) / (holders + 0.5)))
