"""The BERT encoder of all-MiniLM-L6-v2 with mean pooling, as an ONNX graph.

Source: Devlin et al. (2019), BERT; Reimers and Gurevych (2019), Sentence-BERT. The layout of weights is transformers'
BertModel. One text at a time: no padding, so no mask.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from services.retrieval.encoders.onnx_graph import Numbers, OnnxGraph

Weights = Mapping[str, NDArray[np.float32]]

TOKENS = "tokens"
_EPS = 1e-12


def minilm_graph(weights: Weights, layers: int, heads: int, numbers: Numbers) -> bytes:
    """Return the serialized model from token ids to a unit vector."""
    graph = OnnxGraph(numbers)
    x = _embedded(graph, weights)
    for layer in range(layers):
        x = _layer(graph, weights, f"encoder.layer.{layer}", x, heads)
    pooled = graph.op("ReduceMean", x, graph.constant("token_axis", np.array([1])), keepdims=0)
    return graph.unit_model(pooled, TOKENS, weights["embeddings.LayerNorm.weight"].shape[0])


def _embedded(graph: OnnxGraph, weights: Weights) -> str:
    words = graph.constant("words", weights["embeddings.word_embeddings.weight"])
    # Every token is of the first of BERT's two segments.
    segment = weights["embeddings.token_type_embeddings.weight"][0]
    positions = graph.constant("positions", weights["embeddings.position_embeddings.weight"] + segment)
    count = graph.op("Shape", TOKENS, start=1, end=2)
    used = graph.op("Slice", positions, graph.constant("first", np.array([0])), count)
    return _norm(graph, weights, "embeddings.LayerNorm", graph.op("Add", graph.op("Gather", words, TOKENS), used))


def _layer(graph: OnnxGraph, weights: Weights, name: str, x: str, heads: int) -> str:
    attended = _dense(graph, weights, f"{name}.attention.output.dense", _attention(graph, weights, name, x, heads))
    x = _norm(graph, weights, f"{name}.attention.output.LayerNorm", graph.op("Add", attended, x))
    inner = graph.dense(x, f"{name}.intermediate", weights[f"{name}.intermediate.dense.weight"].T)
    bias = graph.constant(f"{name}.intermediate.bias", weights[f"{name}.intermediate.dense.bias"])
    active = graph.op("BiasGelu", inner, bias, contrib=True)
    outer = _dense(graph, weights, f"{name}.output.dense", active)
    return _norm(graph, weights, f"{name}.output.LayerNorm", graph.op("Add", outer, x))


def _attention(graph: OnnxGraph, weights: Weights, name: str, x: str, heads: int) -> str:
    parts = [f"{name}.attention.self.{part}" for part in ("query", "key", "value")]
    weight = np.concatenate([weights[f"{part}.weight"] for part in parts]).T
    bias = np.concatenate([weights[f"{part}.bias"] for part in parts])
    query_key_value = graph.ops("Split", 3, graph.dense(x, f"{name}.qkv", weight, bias), axis=-1, num_outputs=3)
    return graph.op("MultiHeadAttention", *query_key_value, contrib=True, num_heads=heads)


def _dense(graph: OnnxGraph, weights: Weights, name: str, x: str) -> str:
    return graph.dense(x, name, weights[f"{name}.weight"].T, weights[f"{name}.bias"])


def _norm(graph: OnnxGraph, weights: Weights, name: str, x: str) -> str:
    return graph.layer_norm(x, name, weights[f"{name}.weight"], weights[f"{name}.bias"], _EPS)
