"""A bounded pool of threads for work that would block the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from shared.errors import CapacityExceeded

Result = TypeVar("Result")


class Workers:
    """Runs functions in `count` threads, lets `queue` more wait, and refuses the rest. Belongs to one event loop."""

    def __init__(self, count: int, queue: int) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="retrieval")
        self._capacity = count + queue
        self._taken = 0

    async def run(self, work: Callable[[], Result]) -> Result:
        """Return the result of `work`. A caller that gives up while waiting takes its work out of the queue.

        Raises CapacityExceeded.
        """
        if self._taken >= self._capacity:
            raise CapacityExceeded(f"{self._taken} searches are running or waiting; try again in a moment")
        self._taken += 1
        future = self._pool.submit(work)
        loop = asyncio.get_running_loop()
        # Counted down when the thread is free, which after a cancelled call is later than the call's end.
        future.add_done_callback(lambda _: _tell(loop, self._release))
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Drop what waits and end the threads once what runs is done."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _release(self) -> None:
        self._taken -= 1


def _tell(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(callback)
