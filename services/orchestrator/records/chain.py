"""The hash chain over a proposal's events: whoever alters one breaks every link after it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

GENESIS = bytes(32)
"""The digest before the first event."""


@dataclass(frozen=True)
class EventLabel:
    """What the columns beside an event's bytes say, and the bytes say too."""

    proposal_id: str
    sequence: int
    kind: str


@dataclass(frozen=True)
class StoredEvent:
    """One event as it lies in the record: the exact bytes and the digest that chains them."""

    label: EventLabel
    create_time: datetime
    message: bytes
    digest: bytes


@dataclass(frozen=True)
class ChainCheck:
    """What reading a chain again found; `broken_at` is the first sequence that does not hold, None if all do."""

    proposal_id: str
    event_count: int
    broken_at: int | None


def link(previous: bytes, message: bytes) -> bytes:
    """Return the digest of an event: SHA-256 of the digest before it and its bytes."""
    return hashlib.sha256(previous + message).digest()


def check_chain(
    proposal_id: str, events: Iterable[StoredEvent], label_of: Callable[[bytes], EventLabel | None]
) -> ChainCheck:
    """Return whether events, in order, are whole: numbered from 1, chained by digest, labelled as their bytes say.

    label_of: reads the label out of an event's bytes; None if they are not an event.
    """
    digest = GENESIS
    count = 0
    for count, event in enumerate(events, start=1):
        digest = link(digest, event.message)
        expected = EventLabel(proposal_id, count, event.label.kind)
        if event.digest != digest or event.label != expected or label_of(event.message) != expected:
            return ChainCheck(proposal_id, count, broken_at=count)
    return ChainCheck(proposal_id, count, broken_at=None)
