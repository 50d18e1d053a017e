from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.retrieval.faiss_index import EXACT_LIMIT, SCAN_LIMIT, FaissIndex, Kind
from services.retrieval.manifest import file_digests
from services.retrieval.vector_rows import VectorRows
from shared.snapshots import SnapshotRefused

COUNT = EXACT_LIMIT + 2_000
DIMENSION = 8
# Numbers that are not rows: every third passage has a vector.
NUMBERS = np.arange(COUNT, dtype=np.int64) * 3 + 1
APPROXIMATE = [Kind.SCAN, Kind.GRAPH]


def unit_vectors(count: int, seed: int = 7) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).normal(size=(count, DIMENSION))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


VECTORS = unit_vectors(COUNT)
QUESTIONS = unit_vectors(20, seed=8)


@pytest.fixture(scope="module", params=list(Kind))
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where an index of each kind is written."""
    folder = tmp_path_factory.mktemp("index") / "v"
    FaissIndex.build(NUMBERS, VECTORS, request.param).write(folder)
    return folder


@pytest.fixture
def index(folder: Path) -> FaissIndex:
    return FaissIndex.read(folder)


def eligible(share: float) -> NDArray[np.int64]:
    """Return a share of all passages, with and without a vector, ascending."""
    everything = np.arange(3 * COUNT, dtype=np.int64)
    return everything[np.random.default_rng(3).random(len(everything)) < share]


def exact(question: NDArray[np.float32], among: NDArray[np.int64], count: int) -> list[int]:
    rows = np.flatnonzero(np.isin(NUMBERS, among))
    return NUMBERS[rows[np.argsort(-(VECTORS[rows] @ question), kind="stable")[:count]]].tolist()


@pytest.mark.parametrize("share", [0.0001, 0.01, 0.1, 0.5])
def test_a_filtered_search_loses_no_result_against_exact_search(index: FaissIndex, share: float) -> None:
    among = eligible(share)

    found = [index.nearest(question, among, 50)[0].tolist() for question in QUESTIONS]

    assert found == [exact(question, among, 50) for question in QUESTIONS]


@pytest.mark.parametrize("share", [0.9, 1.1])
def test_a_search_among_nearly_all_finds_the_nearest_with_their_exact_products(index: FaissIndex, share: float) -> None:
    among = eligible(share)

    answers = [index.nearest(question, among, 50) for question in QUESTIONS]

    expected = [exact(question, among, 50) for question in QUESTIONS]
    shares = [len(set(found) & set(best)) / 50 for (found, _), best in zip(answers, expected, strict=True)]
    # The graph may miss some; fifty of random vectors are harder to find than of real ones.
    assert np.mean(shares) > 0.97
    for question, (found, products) in zip(QUESTIONS, answers, strict=True):
        assert np.isin(found, among).all()
        assert products == pytest.approx(VECTORS[(found - 1) // 3] @ question, abs=1e-6)
        assert (np.diff(products) <= 0).all()


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 1.1])
def test_codes_and_graph_keep_to_the_filter_at_any_share(folder: Path, share: float) -> None:
    among = eligible(share)

    found, _ = FaissIndex.read(folder, exact_limit=0).nearest(QUESTIONS[0], among, 50)

    assert len(found) == min(50, np.isin(NUMBERS, among).sum())
    assert np.isin(found, among).all()


def test_equal_vectors_come_in_the_order_of_their_numbers() -> None:
    index = FaissIndex.build(np.array([8, 3, 5, 4], dtype=np.int64), np.repeat(VECTORS[:1], 4, axis=0))

    found, _ = index.nearest(VECTORS[0], np.arange(9), 2)

    assert found.tolist() == [3, 4]


@given(st.sets(st.integers(0, 39), min_size=1))
def test_a_passage_has_the_same_product_in_any_company(company: set[int]) -> None:
    # Long enough vectors for a matrix product to round rows by their place.
    rows = VectorRows(np.arange(40), np.random.default_rng(5).normal(size=(40, 100)).astype(np.float32))
    question, numbers = rows.vectors[0], np.array(sorted(company))

    products = rows.products_of(question, numbers)

    assert products.tolist() == rows.products_of(question, rows.numbers)[numbers].tolist()


@given(
    numbers=st.sets(st.integers(0, 12), min_size=1),
    among=st.one_of(st.sets(st.integers(0, 15)), st.integers(0, 15).map(lambda n: set(range(n, 16)))),
)
def test_the_rows_of_numbers_are_those_that_hold_them(numbers: set[int], among: set[int]) -> None:
    held = np.array(sorted(numbers), dtype=np.int64)

    rows = VectorRows(held, VECTORS[: len(held)]).rows_of(np.array(sorted(among), dtype=np.int64))

    assert held[rows].tolist() == sorted(numbers & among)


def test_the_kind_follows_the_number_of_vectors() -> None:
    counts = [0, EXACT_LIMIT, EXACT_LIMIT + 1, SCAN_LIMIT, SCAN_LIMIT + 1]

    assert [Kind.of(count) for count in counts] == [Kind.EXACT, Kind.EXACT, Kind.SCAN, Kind.SCAN, Kind.GRAPH]


@pytest.mark.parametrize("kind", APPROXIMATE)
def test_the_same_vectors_give_the_same_bytes_in_any_order_and_thread(kind: Kind, tmp_path: Path) -> None:
    order = np.random.default_rng(1).permutation(3_000)
    FaissIndex.build(NUMBERS[:3_000], VECTORS[:3_000], kind).write(tmp_path / "a")

    def again() -> None:
        FaissIndex.build(NUMBERS[order], VECTORS[order], kind).write(tmp_path / "b")

    thread = threading.Thread(target=again)
    thread.start()
    thread.join()

    assert file_digests(tmp_path / "a") == file_digests(tmp_path / "b")


def test_vectors_are_mapped_into_memory_and_not_read(tmp_path: Path) -> None:
    VectorRows.of(NUMBERS[:10], VECTORS[:10]).write(tmp_path)

    assert isinstance(VectorRows.read(tmp_path).vectors, np.memmap)


@pytest.mark.parametrize("kind", APPROXIMATE)
@pytest.mark.parametrize("name", ["near.faiss", "vectors.npy", "numbers.npy"])
@pytest.mark.parametrize("content", [b"", b"not an index" * 100, None])
def test_a_file_that_is_cut_short_or_something_else_is_refused(
    kind: Kind, name: str, content: bytes | None, tmp_path: Path
) -> None:
    folder = tmp_path / "v"
    FaissIndex.build(NUMBERS[:500], VECTORS[:500], kind).write(folder)
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[:-100] if content is None else content)

    with pytest.raises(SnapshotRefused, match="run: fiducia ingest"):
        FaissIndex.read(folder)


def test_codes_of_other_vectors_are_refused(tmp_path: Path) -> None:
    FaissIndex.build(NUMBERS[:500], VECTORS[:500], Kind.SCAN).write(tmp_path / "v")
    FaissIndex.build(NUMBERS[:400], VECTORS[:400], Kind.SCAN).write(tmp_path / "other")
    (tmp_path / "other" / "near.faiss").rename(tmp_path / "v" / "near.faiss")

    with pytest.raises(SnapshotRefused, match="holds 400 vectors of 8"):
        FaissIndex.read(tmp_path / "v")


def test_a_folder_without_vectors_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SnapshotRefused, match="No such file"):
        FaissIndex.read(tmp_path / "v")
