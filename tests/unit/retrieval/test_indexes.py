from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.retrieval.faiss_index import FaissIndex
from services.retrieval.lexical import WordIndex
from services.retrieval.manifest import file_digests
from tests.unit.retrieval.samples import by_character

TEXTS = ["VTI total market equity fund", "510300 沪深三百", "gold bullion fund", ""]


def unit_vectors(n: int, dimension: int = 8) -> NDArray[np.float32]:
    vectors: NDArray[np.float32] = np.random.default_rng(7).normal(size=(n, dimension)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def test_nearest_is_what_comparing_with_every_allowed_vector_gives() -> None:
    vectors = unit_vectors(50)
    numbers = np.arange(100, 150, dtype=np.int64)
    index = FaissIndex.build(numbers, vectors)
    among = numbers[::3]

    found, products = index.nearest(vectors[4], among, 5)

    exact = vectors[among - 100] @ vectors[4]
    assert found.tolist() == among[np.argsort(-exact)[:5]].tolist()
    assert products == pytest.approx(np.sort(exact)[::-1][:5], abs=1e-6)


def test_numbers_without_a_vector_are_not_found() -> None:
    index = FaissIndex.build(np.array([1, 3], dtype=np.int64), unit_vectors(2))

    found, _ = index.nearest(unit_vectors(1)[0], np.array([0, 3, 9], dtype=np.int64), 10)

    assert found.tolist() == [3]


def test_an_index_without_vectors_finds_nothing() -> None:
    index = FaissIndex.build(np.empty(0, dtype=np.int64), np.empty((0, 8), dtype=np.float32))

    found, products = index.nearest(unit_vectors(1)[0], np.array([0, 1], dtype=np.int64), 3)

    assert len(found) == len(products) == 0


def test_a_vector_index_is_the_same_after_writing_and_reading(tmp_path: Path) -> None:
    vectors = unit_vectors(5)
    FaissIndex.build(np.array([9, 2, 5, 7, 1], dtype=np.int64), vectors).write(tmp_path / "v")

    index = FaissIndex.read(tmp_path / "v")

    assert index.numbers.tolist() == [1, 2, 5, 7, 9]
    assert index.dimension == 8
    assert index.vector(2) == pytest.approx(vectors[1])


def test_a_ticker_and_a_product_code_are_found_by_their_words(tmp_path: Path) -> None:
    WordIndex.build(TEXTS, by_character).write(tmp_path)

    index = WordIndex.read(tmp_path, by_character)

    assert int(index.shares("Who should hold VTI?").argmax()) == 0
    assert int(index.shares("510300适合谁").argmax()) == 1
    assert index.shares("VTI").tolist()[1:] == [0, 0, 0]


def test_unknown_words_score_nothing() -> None:
    index = WordIndex.build(TEXTS, by_character)

    assert index.shares("zebra 斑马").tolist() == [0, 0, 0, 0]


def test_repeating_a_word_in_the_question_changes_nothing() -> None:
    index = WordIndex.build(TEXTS, by_character)

    assert index.shares("gold gold fund").tolist() == index.shares("gold fund").tolist()


@pytest.mark.parametrize("seed", ["1", "2"])
def test_a_word_index_has_the_same_bytes_whatever_the_hash_seed(seed: str, tmp_path: Path) -> None:
    WordIndex.build(TEXTS, by_character).write(tmp_path)
    script = (
        "import sys, pathlib; from services.retrieval.lexical import WordIndex;"
        "from services.retrieval.manifest import file_digests; folder = pathlib.Path(sys.argv[1]); folder.mkdir();"
        "WordIndex.build(sys.argv[2:], list).write(folder); print(sorted(file_digests(folder).items()))"
    )

    printed = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "again"), *TEXTS],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert printed.strip() == str(sorted((k, v) for k, v in file_digests(tmp_path).items() if "/" not in k))


@settings(deadline=None)
@given(st.lists(st.sampled_from(["gold", "fund", "VTI", "equity", "zebra", "沪", "深"]), min_size=1))
def test_a_share_lies_between_zero_and_one(words: list[str]) -> None:
    shares = WordIndex.build(TEXTS, by_character).shares(" ".join(words))

    assert (shares >= 0).all()
    assert (shares <= 1).all()


def test_a_word_that_no_passage_holds_lowers_the_share_of_the_others() -> None:
    index = WordIndex.build(TEXTS, by_character)

    assert index.shares("gold fund zebra").max() < index.shares("gold fund").max()


def test_products_are_those_of_the_vectors_and_zero_without_one() -> None:
    vectors = unit_vectors(3)
    index = FaissIndex.build(np.array([1, 4, 6], dtype=np.int64), vectors)

    products = index.products(vectors[1], np.array([0, 6, 5, 4, 6], dtype=np.int64))

    other = float(vectors[1] @ vectors[2])
    assert products == pytest.approx([0.0, other, 0.0, 1.0, other], abs=1e-6)
