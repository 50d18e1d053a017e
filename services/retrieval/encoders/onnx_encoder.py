"""An encoder that onnxruntime runs on the CPU, one text and one thread per call."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from services.retrieval.encoder import TextTooLong


class OnnxEncoder:
    """A graph from the token ids of one text to its unit vector. Obeys `Encoder`.

    One text at a time: nothing is spent on padding, and a text's vector is the same to the last bit in any company.
    Texts of several callers run side by side, each in its caller's thread.

    tokenize: the ids of a text, special tokens included, never cut; safe to call from several threads.
    model:    serialized ONNX, (1, tokens) of int32 to (1, dimension).
    """

    def __init__(
        self,
        name: str,
        digest: str,
        languages: tuple[str, ...],
        token_limit: int,
        tokenize: Callable[[str], Sequence[int]],
        model: bytes,
    ) -> None:
        self.name = name
        self.digest = digest
        self.languages = languages
        self.token_limit = token_limit
        self._tokenize = tokenize
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name
        self.dimension = int(self._session.get_outputs()[0].shape[1])

    def count_tokens(self, text: str) -> int:
        """Return the number of tokens of a text, special ones with it."""
        return len(self._tokenize(text))

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of questions, (texts, dimension). Raises TextTooLong."""
        return self.embed_documents(texts)

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of passages, (texts, dimension). Raises TextTooLong before any is computed."""
        tokens = [self._tokens(text) for text in texts]
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for row, ids in zip(vectors, tokens, strict=True):
            row[:] = self._session.run(None, {self._input: ids})[0][0]
        return vectors

    def _tokens(self, text: str) -> NDArray[np.int32]:
        tokens = self._tokenize(text)
        if len(tokens) > self.token_limit:
            raise TextTooLong(
                f"a text of {len(text)} characters has {len(tokens)} tokens, the limit is {self.token_limit}"
            )
        return np.asarray(tokens, dtype=np.int32)[None]
