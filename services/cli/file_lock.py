"""One command at a time, over all processes."""

from __future__ import annotations

import asyncio
import fcntl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Patience:
    """What happens while another process holds a lock.

    on_wait: called once when it must be waited for.  seconds: for how long.  error: raised then.
    """

    on_wait: Callable[[], None]
    seconds: float
    error: Exception


@asynccontextmanager
async def file_lock(path: Path, patience: Patience) -> AsyncIterator[None]:
    """Hold the lock during the block; the kernel lets go of it when this process ends, however it ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + patience.seconds
    with path.open("w") as file:
        if not _is_taken(file.fileno()):
            patience.on_wait()
            while not _is_taken(file.fileno()):
                if time.monotonic() > deadline:
                    raise patience.error
                await asyncio.sleep(_POLL_SECONDS)
        yield


def _is_taken(descriptor: int) -> bool:
    """Try to take the lock, and tell whether it is ours now."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
