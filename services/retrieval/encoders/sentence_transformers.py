"""Any sentence-transformers model, run by torch: on a GPU where there is one."""

from __future__ import annotations

import copy
import logging
import os
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError

from services.retrieval.encoder import ModelMissing, TextTooLong

# What is opened here is on this disk; without this a machine offline waits for time-outs. Hub models were fetched when
# they were found, before any is opened.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

_GPU_BATCH = 64
# On a CPU a batch saves nothing and padding costs; alone, a text's vector does not depend on its neighbours.
_CPU_BATCH = 1


class SentenceTransformersEncoder:
    """A model folder in the layout of sentence-transformers. Obeys `Encoder`; the model's own prompts apply."""

    def __init__(
        self, folder: Path, name: str, digest: str, languages: tuple[str, ...], device: str | None = None
    ) -> None:
        torch.set_num_threads(1)
        disable_progress_bar()
        logging.getLogger("sentence_transformers").setLevel(logging.WARNING)
        self.name = name
        self.digest = digest
        self.languages = languages
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        try:
            self._model = SentenceTransformer(str(folder), device=self.device, local_files_only=True)
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise ModelMissing(f"{folder} cannot be loaded as a sentence-transformers model: {error}") from error
        limit = self._model.max_seq_length
        if limit is None:
            raise ModelMissing(f"{folder} states no max_seq_length; add it to sentence_bert_config.json")
        self.token_limit = int(limit)
        self._prompts = [self._model.prompts.get(name) or "" for name in ("query", "document")]
        # Counting changes a tokenizer's truncation, which must not happen while another thread encodes with it.
        self._counter = copy.deepcopy(self._model.tokenizer)
        self._counting = threading.Lock()
        # The first call sets up truncation and padding; done here, no two threads do it at once.
        self.dimension = int(self.embed_queries(["ready"]).shape[1])

    def count_tokens(self, text: str) -> int:
        """Return the number of tokens, with special ones and the longer of the model's prompts."""
        with self._counting:
            return max(self._length(prompt + text) for prompt in dict.fromkeys(self._prompts))

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of questions, (texts, dimension). Raises TextTooLong."""
        self._check_lengths(texts)
        vectors = self._model.encode_query(
            list(texts), batch_size=self._batch, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32)

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of passages, (texts, dimension). Raises TextTooLong."""
        self._check_lengths(texts)
        vectors = self._model.encode_document(
            list(texts), batch_size=self._batch, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32)

    @property
    def _batch(self) -> int:
        return _GPU_BATCH if self.device.startswith("cuda") else _CPU_BATCH

    def _length(self, text: str) -> int:
        return len(self._counter(text, truncation=False, verbose=False)["input_ids"])

    def _check_lengths(self, texts: Sequence[str]) -> None:
        for text in texts:
            if (count := self.count_tokens(text)) > self.token_limit:
                raise TextTooLong(
                    f"a text of {len(text)} characters has {count} tokens, the limit is {self.token_limit}"
                )
