"""Questions as vectors, by the encoders that are needed for the passages they may find."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.retrieval.chunk import TokenCounter
from services.retrieval.split import split_to_fit

Vector = NDArray[np.float32]
# What a tokenizer may put before a text that it puts before none at all, such as a mark for its first word.
_MARKS = 8


class QueryEncoder(TokenCounter, Protocol):
    """What turns questions into vectors."""

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return vectors of length one, (texts, dimension)."""


def embed_questions(encoder: QueryEncoder, texts: Sequence[str]) -> list[Vector]:
    """Return a unit vector for each question; a question beyond the token limit is the mean of its parts.

    Nothing is cut off: a long question is split at sentences like a passage.
    """
    parts = [_parts(text, encoder) for text in texts]
    flat = [part for some in parts for part in some]
    if not flat:
        return []
    vectors = iter(encoder.embed_queries(flat))
    return [_mean_direction(_take(vectors, len(some))) for some in parts]


def _parts(text: str, encoder: QueryEncoder) -> list[str]:
    text = text.strip()
    if text and _surely_fits(text, encoder):
        return [text]

    def fits(start: int, end: int) -> bool:
        return encoder.count_tokens(text[start:end]) <= encoder.token_limit

    return [text[start:end] for start, end in split_to_fit(text, 0, len(text), fits)]


def _surely_fits(text: str, encoder: QueryEncoder) -> bool:
    """Return whether a text is so short that no count of its tokens is needed, which costs as much as some encoders."""
    # A token stands for at least a byte of the text in its longest form.
    most = len(unicodedata.normalize("NFKD", text).encode("utf-8", "surrogatepass")) + _MARKS
    return most <= encoder.token_limit and most + encoder.count_tokens("") <= encoder.token_limit


def _take(vectors: Iterator[Vector], count: int) -> list[Vector]:
    return [next(vectors) for _ in range(count)]


def _mean_direction(vectors: list[Vector]) -> Vector:
    if len(vectors) == 1:
        return vectors[0]
    total = np.sum(vectors, axis=0)
    length = float(np.linalg.norm(total))
    return np.asarray(total / length if length > 0 else total, dtype=np.float32)
