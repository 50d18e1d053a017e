"""An encoder as the service uses it: known questions from memory, the rest in joint calls."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.retrieval.encoder import Encoder
from services.retrieval.micro_batches import MicroBatches
from services.retrieval.query_cache import QueryCache


class ServingEncoder:
    """Another encoder with a query cache and micro-batches before it. Obeys `Encoder`.

    cache: may be shared by several encoders; a capacity of 0 keeps nothing.
    lanes: calls of the encoder at the same time; see `MicroBatches`.
    """

    def __init__(self, encoder: Encoder, cache: QueryCache, lanes: int) -> None:
        self._encoder = encoder
        self._cache = cache
        self._batches = MicroBatches(encoder.embed_queries, lanes)
        self.name = encoder.name
        self.digest = encoder.digest
        self.dimension = encoder.dimension
        self.languages = encoder.languages
        self.token_limit = encoder.token_limit

    def count_tokens(self, text: str) -> int:
        """Return the number of tokens of a text, special ones and prompts with it."""
        return self._encoder.count_tokens(text)

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of questions, (texts, dimension); equal questions are encoded once."""
        found = {text: self._cache.get(self.digest, text) for text in texts}
        new = [text for text, vector in found.items() if vector is None]
        if new:
            for text, vector in zip(new, self._batches.embed(new), strict=True):
                found[text] = vector
                self._cache.put(self.digest, text, vector)
        rows = [vector for text in texts if (vector := found[text]) is not None]
        return np.array(rows, dtype=np.float32).reshape(len(texts), self.dimension)

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of passages, (texts, dimension)."""
        return self._encoder.embed_documents(texts)
