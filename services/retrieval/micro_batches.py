"""Let questions that wait for a busy encoder go through it together."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


@dataclass(eq=False)
class _Call:
    """A caller's texts; `batch` is what its thread must run, given to it together with a lane."""

    texts: Sequence[str]
    woken: threading.Event = field(default_factory=threading.Event)
    batch: list[_Call] | None = None
    result: Vectors | Exception | None = None


class MicroBatches:
    """Calls of several threads to one function of texts, joined while all lanes are busy.

    A call that finds a free lane starts at once, so an idle service adds no delay. Nothing waits on a timer: what
    comes in while all lanes are busy leaves with the next call. A thread runs only a batch that holds its own texts. A
    batch that fails is repeated caller by caller, so that each sees its own error and no other.

    embed:      texts to (texts, dimension), a row depending on its own text.
    lanes:      calls at the same time: 1 for a GPU, the number of workers for a CPU.
    most_texts: of one joined call; a caller that brings more goes alone.
    """

    def __init__(self, embed: Callable[[Sequence[str]], Vectors], lanes: int, most_texts: int = 32) -> None:
        self._embed = embed
        self._free_lanes = lanes
        self._most_texts = most_texts
        self._lock = threading.Lock()
        self._queue: deque[_Call] = deque()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of these texts; raise what the encoder raises for them."""
        mine = self._enter(texts)
        mine.woken.wait()
        if mine.batch is not None:
            self._run_and_hand_on(mine.batch)
        if isinstance(mine.result, Exception):
            raise mine.result
        assert mine.result is not None
        return mine.result

    def _enter(self, texts: Sequence[str]) -> _Call:
        """Queue a call, with a lane where one is free; a lane is free only while nobody waits."""
        mine = _Call(texts)
        with self._lock:
            self._queue.append(mine)
            if self._free_lanes:
                self._free_lanes -= 1
                self._give_lane()
        return mine

    def _run_and_hand_on(self, batch: list[_Call]) -> None:
        try:
            self._run(batch)
        finally:
            with self._lock:
                if self._queue:
                    self._give_lane()
                else:
                    self._free_lanes += 1
            for call in batch:
                call.woken.set()

    def _give_lane(self) -> None:
        """Give a lane to the head of the queue, with all that fits into one call. Needs the lock."""
        leader = self._queue.popleft()
        leader.batch = [leader]
        size = len(leader.texts)
        while self._queue and (size := size + len(self._queue[0].texts)) <= self._most_texts:
            leader.batch.append(self._queue.popleft())
        leader.woken.set()

    def _run(self, batch: list[_Call]) -> None:
        try:
            vectors = self._embed([text for call in batch for text in call.texts])
        except Exception as error:
            if len(batch) == 1:
                batch[0].result = error
            else:
                for call in batch:
                    self._run([call])
            return
        ends = np.cumsum([len(call.texts) for call in batch])
        for call, rows in zip(batch, np.split(vectors, ends[:-1]), strict=True):
            call.result = rows
