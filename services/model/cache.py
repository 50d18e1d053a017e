"""Where prepared things are kept, and one builder at a time for them."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.model.progress import Report


def cache_folder() -> Path:
    """Return `${XDG_CACHE_HOME:-~/.cache}/fiducia`; it need not exist yet."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home).resolve() / "fiducia"


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def one_builder(path: Path, report: Report, event: str) -> Iterator[None]:
    """Hold the file lock `path` during the block; report `event` once while another process holds it.

    The kernel lets go of the lock when its holder ends, however it ends. The file stays: removing it would let a
    third process lock a new file of the same name while the second still waits for the old one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(event, "another process is building this; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
