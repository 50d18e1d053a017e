from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.retrieval.faiss_index import FaissIndex, Kind
from services.retrieval.nearness import Compared, Nowhere, Searched, nearness
from services.retrieval.vector_rows import VectorRows

# Every second passage has a vector; the last two vectors are equal.
NUMBERS = np.arange(1, 41, 2)
VECTORS = np.random.default_rng(7).normal(size=(20, 64)).astype(np.float32)
VECTORS[-1] = VECTORS[-2]
QUESTION = VECTORS[3]
INDEX = FaissIndex.build(NUMBERS, VECTORS)


def sorted_array(numbers: set[int]) -> NDArray[np.int64]:
    return np.array(sorted(numbers), dtype=np.int64)


@given(numbers=st.sets(st.integers(0, 45)), left_out=st.sets(st.integers(0, 45), max_size=20), count=st.integers(1, 45))
def test_comparing_all_at_once_and_searching_give_the_same(numbers: set[int], left_out: set[int], count: int) -> None:
    among = sorted_array(numbers - left_out)

    compared = nearness(INDEX, QUESTION, sorted_array(numbers))

    searched = Searched(INDEX, QUESTION)
    assert isinstance(compared, Compared)
    assert compared.nearest(among, count).tolist() == searched.nearest(among, count).tolist()
    assert compared.products(among).tolist() == searched.products(among).tolist()


def test_an_index_is_searched_where_more_are_eligible_than_it_compares() -> None:
    rows = VectorRows(NUMBERS, VECTORS)
    index = FaissIndex(rows, FaissIndex.build(NUMBERS, VECTORS, Kind.SCAN)._approximate, exact_limit=10)

    kinds = [type(nearness(index, QUESTION, numbers)) for numbers in (NUMBERS[:10], NUMBERS[:11])]

    assert kinds == [Compared, Searched]


def test_nothing_is_near_where_no_encoder_knows_both_languages() -> None:
    assert Nowhere().nearest(NUMBERS, 3).tolist() == []
    assert Nowhere().products(NUMBERS[:2]).tolist() == [0, 0]
