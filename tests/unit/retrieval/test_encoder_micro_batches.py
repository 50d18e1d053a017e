from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from services.retrieval.micro_batches import MicroBatches


class Gate:
    """A function of texts that waits for leave, and writes down what it was called with."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.entered = threading.Semaphore(0)
        self.leave = threading.Semaphore(0)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.calls.append(list(texts))
        self.entered.release()
        assert self.leave.acquire(timeout=30)
        if any(text == "bad" for text in texts):
            raise ValueError("bad")
        return lengths(texts)


def lengths(texts: Sequence[str]) -> NDArray[np.float32]:
    return np.array([[len(text)] for text in texts], dtype=np.float32)


def wait_for_queue(batches: MicroBatches, count: int) -> None:
    waited = threading.Event()
    while len(batches._queue) < count:
        waited.wait(0.001)


def test_an_idle_encoder_is_called_at_once_in_the_callers_thread() -> None:
    threads = []

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        threads.append(threading.current_thread())
        return lengths(texts)

    vectors = MicroBatches(embed, lanes=1).embed(["a", "bbb"])

    assert vectors.tolist() == [[1], [3]]
    assert threads == [threading.current_thread()]


def test_calls_that_wait_leave_together_and_each_gets_its_own_rows() -> None:
    gate = Gate()
    batches = MicroBatches(gate.embed, lanes=1)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(batches.embed, ["a"])
        gate.entered.acquire()
        rest = [pool.submit(batches.embed, texts) for texts in (["bb", "ccc"], ["dddd"], [])]
        wait_for_queue(batches, 3)
        gate.leave.release(2)

        assert first.result(30).tolist() == [[1]]
        assert sorted(future.result(30).ravel().tolist() for future in rest) == [[], [2, 3], [4]]

    assert [len(call) for call in gate.calls] == [1, 3]


def test_a_joined_call_takes_no_more_texts_than_allowed() -> None:
    gate = Gate()
    batches = MicroBatches(gate.embed, lanes=1, most_texts=2)
    with ThreadPoolExecutor(6) as pool:
        futures = [pool.submit(batches.embed, ["a"])]
        gate.entered.acquire()
        futures += [pool.submit(batches.embed, ["b"]) for _ in range(4)]
        futures.append(pool.submit(batches.embed, ["c"] * 5))
        wait_for_queue(batches, 5)
        gate.leave.release(10)

        assert sum(len(future.result(30)) for future in futures) == 10

    assert all(len(call) <= 2 or call == ["c"] * 5 for call in gate.calls)


def test_a_bad_text_fails_its_caller_and_nobody_who_shared_its_call() -> None:
    gate = Gate()
    batches = MicroBatches(gate.embed, lanes=1)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(batches.embed, ["a"])
        gate.entered.acquire()
        bad, good = pool.submit(batches.embed, ["bad"]), pool.submit(batches.embed, ["good"])
        wait_for_queue(batches, 2)
        gate.leave.release(4)

        with pytest.raises(ValueError, match="bad"):
            bad.result(30)
        assert good.result(30).tolist() == [[4]]
        assert first.result(30).tolist() == [[1]]


def test_after_a_failure_the_next_call_runs() -> None:
    gate = Gate()
    gate.leave.release(2)
    batches = MicroBatches(gate.embed, lanes=1)

    with pytest.raises(ValueError, match="bad"):
        batches.embed(["bad"])

    assert batches.embed(["good"]).tolist() == [[4]]


@pytest.mark.parametrize("lanes", [1, 2, 3])
def test_many_threads_get_what_they_would_get_alone(lanes: int) -> None:
    running, most = [0], [0]
    lock = threading.Lock()

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        vectors = lengths(texts)
        with lock:
            running[0] -= 1
        return vectors

    batches = MicroBatches(embed, lanes, most_texts=4)
    questions = [["x" * (number % 17 + 1)] * (number % 3 + 1) for number in range(600)]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(batches.embed, questions, timeout=60))

    assert all(np.array_equal(vectors, lengths(texts)) for vectors, texts in zip(found, questions, strict=True))
    assert most[0] <= lanes
    assert batches._free_lanes == lanes
