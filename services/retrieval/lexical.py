"""Word search by BM25: the index that finds names, tickers and product codes, and all there is for Chinese."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import bm25s
import numpy as np
from numpy.typing import NDArray

from services.retrieval.words import Segment, words_of

# The library lets its own debugging lines through whatever the root level says.
logging.getLogger("bm25s").setLevel(logging.WARNING)

# Robertson's usual values; the library's defaults too.
_K1 = 1.5
_B = 0.75


class WordIndex:
    """BM25 scores of passages for a question; read-only and safe to share between threads."""

    def __init__(self, index: bm25s.BM25, segment: Segment) -> None:
        self._index = index
        self._segment = segment

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

    def scores(self, question: str) -> NDArray[np.float32]:
        """Return the score of every passage, (passages,), zero where no word is shared."""
        vocabulary = self._index.vocab_dict
        # Repeating a word in a question does not make it mean more.
        words = [word for word in dict.fromkeys(words_of(question, self._segment)) if word in vocabulary]
        if not words:
            return np.zeros(self._index.scores["num_docs"], dtype=np.float32)
        return np.asarray(self._index.get_scores(words), dtype=np.float32)
