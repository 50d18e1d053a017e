from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.retrieval.encoder import Encoder, TextTooLong
from services.retrieval.query_cache import QueryCache
from services.retrieval.serving_encoder import ServingEncoder


class LengthEncoder:
    """An encoder of two dimensions: an angle by the text's length."""

    name = "length"
    digest = "d" * 64
    dimension = 2
    languages = ("en",)
    token_limit = 20

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def count_tokens(self, text: str) -> int:
        return len(text)

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if any(len(text) > self.token_limit for text in texts):
            raise TextTooLong("too long")
        self.calls.append(list(texts))
        angles = np.array([len(text) for text in texts], dtype=np.float32)
        return np.stack([np.cos(angles), np.sin(angles)], axis=1)

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.embed_queries(texts)


def vector(value: float) -> NDArray[np.float32]:
    return np.array([value], dtype=np.float32)


def test_a_question_asked_again_is_not_encoded_again() -> None:
    inner = LengthEncoder()
    serving: Encoder = ServingEncoder(inner, QueryCache(10), lanes=1)

    first = serving.embed_queries(["a", "bb", "a"])
    again = serving.embed_queries(["bb", "ccc"])

    assert inner.calls == [["a", "bb"], ["ccc"]]
    assert np.array_equal(first, LengthEncoder().embed_queries(["a", "bb", "a"]))
    assert np.array_equal(again, LengthEncoder().embed_queries(["bb", "ccc"]))


def test_no_questions_give_no_vectors() -> None:
    assert ServingEncoder(LengthEncoder(), QueryCache(10), lanes=1).embed_queries([]).shape == (0, 2)


def test_a_question_that_fails_is_not_kept() -> None:
    cache = QueryCache(10)
    serving = ServingEncoder(LengthEncoder(), cache, lanes=1)

    with pytest.raises(TextTooLong):
        serving.embed_queries(["x" * 21])

    assert len(cache) == 0


def test_what_a_caller_does_with_its_vectors_does_not_reach_the_cache() -> None:
    serving = ServingEncoder(LengthEncoder(), QueryCache(10), lanes=1)
    expected = LengthEncoder().embed_queries(["a"])

    serving.embed_queries(["a"])[:] = 7
    serving.embed_queries(["a"])[:] = 7

    assert np.array_equal(serving.embed_queries(["a"]), expected)


def test_the_least_recently_used_vector_leaves_first() -> None:
    cache = QueryCache(2)
    cache.put("d", "a", vector(1))
    cache.put("d", "b", vector(2))
    cache.get("d", "a")

    cache.put("d", "c", vector(3))

    assert cache.get("d", "b") is None
    assert cache.get("d", "a") == vector(1)
    assert cache.get("d", "c") == vector(3)


def test_encoders_do_not_share_vectors() -> None:
    cache = QueryCache(2)
    cache.put("english", "fees", vector(1))

    assert cache.get("multilingual", "fees") is None


def test_a_cache_of_no_capacity_keeps_nothing() -> None:
    cache = QueryCache(0)

    cache.put("d", "a", vector(1))

    assert cache.get("d", "a") is None


@given(st.integers(0, 5), st.lists(st.sampled_from("abcdefgh")))
def test_a_cache_holds_the_texts_used_last(capacity: int, texts: list[str]) -> None:
    cache = QueryCache(capacity)
    for text in texts:
        if cache.get("d", text) is None:
            cache.put("d", text, vector(ord(text)))

    recent = list(dict.fromkeys(reversed(texts)))[:capacity]
    assert len(cache) == len(recent)
    assert all(cache.get("d", text) == vector(ord(text)) for text in recent)


def test_a_cache_stays_bounded_and_true_under_threads() -> None:
    cache = QueryCache(5)
    start = threading.Barrier(4)

    def use(seed: int) -> None:
        start.wait(30)
        for number in range(500):
            text = chr(97 + (number * seed) % 11)
            cache.put("d", text, vector(ord(text)))
            assert cache.get("d", text) in (None, vector(ord(text)))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(use, (1, 2, 3, 5)))

    assert len(cache) == 5
