"""Vectors of the questions asked last."""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray


class QueryCache:
    """At most `capacity` vectors by encoder digest and text, the least recently used leaving first; thread-safe.

    One vector of 512 dimensions with its question takes about 3 KB. Vectors are kept read-only.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._vectors: OrderedDict[tuple[str, str], NDArray[np.float32]] = OrderedDict()

    def get(self, digest: str, text: str) -> NDArray[np.float32] | None:
        """Return the vector of a text by the encoder with this digest, None where it is not kept."""
        with self._lock:
            vector = self._vectors.get((digest, text))
            if vector is not None:
                self._vectors.move_to_end((digest, text))
            return vector

    def put(self, digest: str, text: str, vector: NDArray[np.float32]) -> None:
        """Keep a copy of a vector: a row of a batch would keep the whole batch alive."""
        kept = vector.copy()
        kept.flags.writeable = False
        with self._lock:
            self._vectors[digest, text] = kept
            self._vectors.move_to_end((digest, text))
            while len(self._vectors) > self._capacity:
                self._vectors.popitem(last=False)

    def __len__(self) -> int:
        """Return the number of vectors kept."""
        with self._lock:
            return len(self._vectors)
