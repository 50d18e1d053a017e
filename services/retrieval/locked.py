"""Locks that several processes share."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Both lie in the folder of snapshots; who holds both took the import lock first.
# Held by whoever builds a snapshot from those that are there, as long as that takes.
IMPORT_LOCK = ".import.lock"
# Held for a moment by whoever replaces a file beside the snapshots or takes a snapshot away.
WRITE_LOCK = ".write.lock"


@contextmanager
def locked(file: Path, *, wait: bool = True) -> Iterator[int | None]:
    """Hold the lock during the block and yield its descriptor; without waiting, None where another process holds it.

    The kernel lets go of it when this process ends, however it ends, and every process that inherited the descriptor.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield handle.fileno()
