"""Load the encoders and the active index, then follow the pointer for as long as the service runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence

from services.retrieval.encoder import Encoder
from services.retrieval.shelf import SnapshotShelf

log = logging.getLogger(__name__)

_NO_INDEX = "no index to serve; run: fiducia ingest kb/"


class Loading:
    """What the service needs before it can answer, and the task that swaps in newer indexes."""

    def __init__(
        self, shelf: SnapshotShelf, load_encoders: Callable[[], Sequence[Encoder]], poll_seconds: float
    ) -> None:
        self._shelf = shelf
        self._load_encoders = load_encoders
        self._poll_seconds = poll_seconds
        self._encoders: Sequence[Encoder] | None = None
        self._following: asyncio.Task[None] | None = None

    def encoders(self) -> Sequence[Encoder] | None:
        """Return the encoders in order of preference, None until they are loaded."""
        return self._encoders

    async def load(self) -> None:
        """Load encoders and index side by side; where there is no index, say so once and wait for one."""
        _, self._encoders = await asyncio.gather(self._first_index(), asyncio.to_thread(self._load_encoders))
        self._following = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Stop following the pointer."""
        if self._following is not None:
            self._following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._following

    async def _first_index(self) -> None:
        told = False
        while not await asyncio.to_thread(self._shelf.refresh):
            if not told:
                log.warning(_NO_INDEX)
            told = True
            await asyncio.sleep(self._poll_seconds)

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self._poll_seconds)
            try:
                await asyncio.to_thread(self._shelf.refresh)
            except Exception:
                # The serving index stays, and the pointer is read again in a moment.
                log.exception("index pointer cannot be followed")
