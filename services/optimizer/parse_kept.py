"""Parts of requests that were read without a fault, kept by content: clients of one house send the same ones again."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

from services.optimizer.checks import Checks

# What is read from a byte takes up to thirty, and a part as such half a thousand: all three of a process take 20 MB.
_CAPACITY_BYTES = 600_000
_LARGEST_BYTES = 100_000
_BYTES_A_PART = 20

Part = TypeVar("Part")


class Kept(Generic[Part]):
    """What was read from messages of one kind. Whoever is given a part must not change it."""

    def __init__(self, capacity_bytes: int = _CAPACITY_BYTES, largest_bytes: int = _LARGEST_BYTES) -> None:
        self._capacity, self._largest = capacity_bytes, largest_bytes
        self._size = 0
        self._parts: dict[tuple[bytes, bytes, Hashable], Part] = {}
        # Large requests are read in threads of their own.
        self._lock = Lock()

    def read(
        self, content: bytes, read: Callable[[], Part], checks: Checks, *, context: Hashable = None, within: bytes = b""
    ) -> Part:
        """Return what `read` makes of the content; it is asked only where that is not known.

        context, within: all else that the part depends on: a few short words, and the content of another part.
        checks: where faults are noted. Nothing is kept while any is noted, so that each is noted every time.
        """
        key = content, within, context
        part = self._parts.get(key)
        if part is None:
            part = read()
            size = len(content) + len(within) + _BYTES_A_PART
            if not checks.count_noted and size <= self._largest:
                self._keep(key, part, size)
        return part

    def _keep(self, key: tuple[bytes, bytes, Hashable], part: Part, size: int) -> None:
        with self._lock:
            if self._size + size > self._capacity:
                self._parts.clear()
                self._size = 0
            self._parts[key] = part
            self._size += size
