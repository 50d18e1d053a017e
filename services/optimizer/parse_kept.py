"""Parts of requests that were read without a fault, kept by content: clients of one house send the same ones again."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from services.optimizer.checks import Checks

# What is read from a byte takes some ten bytes.
_CAPACITY_BYTES = 4_000_000
_LARGEST_BYTES = _CAPACITY_BYTES // 8

Part = TypeVar("Part")


class Kept(Generic[Part]):
    """What was read from messages of one kind. Whoever is given a part must not change it."""

    def __init__(self, capacity_bytes: int = _CAPACITY_BYTES, largest_bytes: int = _LARGEST_BYTES) -> None:
        self._capacity, self._largest = capacity_bytes, largest_bytes
        self._size = 0
        self._parts: dict[tuple[bytes, Hashable], Part] = {}

    def read(self, content: bytes, context: Hashable, read: Callable[[], Part], checks: Checks) -> Part:
        """Return what `read` makes of the content; it is asked only where that is not known.

        context: all else that the part depends on.
        checks:  where `read` notes faults. What has any is read again each time, so that they are noted again.
        """
        part = self._parts.get((content, context))
        if part is not None:
            return part
        noted = checks.count_noted
        part = read()
        if checks.count_noted == noted and len(content) <= self._largest:
            self._keep(content, context, part)
        return part

    def _keep(self, content: bytes, context: Hashable, part: Part) -> None:
        if self._size + len(content) > self._capacity:
            self._parts.clear()
            self._size = 0
        self._parts[content, context] = part
        self._size += len(content)
