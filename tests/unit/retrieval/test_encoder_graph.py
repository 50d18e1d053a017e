from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from services.retrieval.encoder import TextTooLong
from services.retrieval.encoders.onnx_encoder import OnnxEncoder
from services.retrieval.encoders.onnx_graph import Numbers, OnnxGraph

WEIGHT = np.random.default_rng(1).normal(size=(16, 8)).astype(np.float32)
BIAS = np.linspace(-1, 1, 8, dtype=np.float32)
TABLE = np.random.default_rng(2).normal(size=(50, 16)).astype(np.float32)


def encoder(numbers: Numbers, table: NDArray[np.float32] = TABLE) -> OnnxEncoder:
    """An encoder of words given as numbers: the mean over rows of a table, through one matrix."""
    graph = OnnxGraph(numbers)
    words = graph.op("Gather", graph.constant("table", table), "tokens")
    mean = graph.op("ReduceMean", graph.dense(words, "dense", WEIGHT, BIAS), graph.constant("axis", np.array([1])))
    flat = graph.op("Squeeze", mean, graph.constant("axis", np.array([1])))
    model = graph.unit_model(flat, "tokens", 8)
    return OnnxEncoder("toy", "d" * 64, ("en",), 4, lambda text: [int(word) for word in text.split()], model)


def expected(ids: list[int], table: NDArray[np.float32] = TABLE) -> NDArray[np.float32]:
    mean = (table[ids] @ WEIGHT + BIAS).mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)


def test_a_graph_in_float32_computes_what_numpy_computes() -> None:
    (vector,) = encoder("fp32").embed_documents(["3 1 4"])

    assert vector == pytest.approx(expected([3, 1, 4]), abs=1e-6)


def test_a_graph_in_int8_comes_close_even_beside_an_outlying_token() -> None:
    table = TABLE.copy()
    table[7] *= 1000

    (alone,) = encoder("int8", table).embed_documents(["3"])

    assert float(alone @ expected([3], table)) > 0.999


@given(arrays(np.float32, (5, 16), elements=st.integers(-(10**6), 10**6).map(lambda value: value / 64)))
def test_a_row_in_int8_errs_by_half_a_step_of_its_own(rows: NDArray[np.float32]) -> None:
    graph = OnnxGraph("int8")
    words = graph.op("Gather", graph.constant("table", rows), "tokens")
    product = graph.op("Squeeze", graph.dense(words, "dense", WEIGHT), graph.constant("axis", np.array([0])))
    session = onnxruntime.InferenceSession(graph.model(product, "tokens", 8), providers=["CPUExecutionProvider"])

    found = session.run(None, {"tokens": np.arange(5, dtype=np.int32)[None]})[0]

    # Half a step of an activation meets each weight, half a step of a weight meets each activation, and their product.
    activation = np.abs(rows).max(axis=1, keepdims=True) / 127 / 2
    weight = np.abs(WEIGHT).max(axis=0) / 64 / 2
    bound = activation * np.abs(WEIGHT).sum(axis=0) + np.abs(rows).sum(axis=1, keepdims=True) * weight
    assert np.all(np.abs(found - rows @ WEIGHT) <= bound + 16 * activation * weight + 1e-4 * np.abs(rows).max())


@pytest.mark.parametrize("numbers", ["fp32", "int8"])
def test_a_vector_is_the_same_to_the_bit_in_any_company(numbers: Numbers) -> None:
    toy = encoder(numbers)

    together = toy.embed_queries(["1 2", "3", "4 5 6"])

    assert np.array_equal(together, np.concatenate([toy.embed_queries([text]) for text in ("1 2", "3", "4 5 6")]))


def test_one_text_beyond_the_limit_refuses_the_call() -> None:
    with pytest.raises(TextTooLong, match="a text of 9 characters has 5 tokens, the limit is 4"):
        encoder("fp32").embed_documents(["1", "1 2 3 4 5"])


def test_no_texts_give_no_vectors() -> None:
    assert encoder("int8").embed_documents([]).shape == (0, 8)
