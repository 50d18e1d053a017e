"""Keep blocking database calls off the event loop: one thread writes, a few read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")

# SQLite admits one writer at a time; readers do not wait for it under WAL.
_READERS = 2


class RecordThreads:
    """The threads that may touch the database."""

    def __init__(self) -> None:
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="records-write")
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="records-read")

    async def write(self, call: Callable[[], Result]) -> Result:
        """Run a write to its end, also when the waiting task is cancelled: what is stored is then known.

        The cancellation is raised after the write.
        """
        running = asyncio.get_running_loop().run_in_executor(self._writer, call)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait([running])
            raise

    async def read(self, call: Callable[[], Result]) -> Result:
        """Run a read."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, call)

    def close(self) -> None:
        """End the threads after what they are doing."""
        self._writer.shutdown(wait=True)
        self._readers.shutdown(wait=True)
