"""Who is working on which proposal in this process, and word of each new event.

The hub carries no events: a follower reads them from the record, at its own pace. So nothing is lost or repeated,
no queue grows for a slow client, and work never waits for one.
"""

from __future__ import annotations

import asyncio

from services.orchestrator.records.store import ProposalKey


class Hub:
    """Live proposals, each with the number of its last event. For one event loop."""

    def __init__(self) -> None:
        self._live: dict[ProposalKey, _Progress] = {}

    def open(self, key: ProposalKey, sequence: int) -> None:
        """Say that work on this proposal begins after this event."""
        self._live[key] = _Progress(sequence)

    def advance(self, key: ProposalKey, sequence: int) -> None:
        """Say that this event is in the record."""
        self._live[key].advance(sequence)

    def close(self, key: ProposalKey) -> None:
        """Say that work on this proposal ended; followers wake up."""
        progress = self._live.pop(key, None)
        if progress is not None:
            progress.end()

    async def beyond(self, key: ProposalKey, sequence: int) -> bool:
        """Wait until there is an event after this one and return True, or False once nobody works on it."""
        progress = self._live.get(key)
        if progress is None:
            return False
        return await progress.beyond(sequence)


class _Progress:
    def __init__(self, sequence: int) -> None:
        self._sequence = sequence
        self._ended = False
        self._changed = asyncio.Event()

    def advance(self, sequence: int) -> None:
        self._sequence = sequence
        self._wake()

    def end(self) -> None:
        self._ended = True
        self._wake()

    async def beyond(self, sequence: int) -> bool:
        while self._sequence <= sequence and not self._ended:
            await self._changed.wait()
        return self._sequence > sequence

    def _wake(self) -> None:
        # Waiters hold the old event; those who come later wait on the new one.
        self._changed.set()
        self._changed = asyncio.Event()
