"""One process at a time over one SQLite record: another one would take live work for lost work."""

from __future__ import annotations

import asyncio
import fcntl
import logging
from pathlib import Path
from typing import IO

from sqlalchemy.engine import make_url

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.5


class RecordsLock:
    """A lock beside the database's file; the system frees it when the process ends, however it ends.

    Databases on a server have none.
    """

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        is_file = parsed.get_backend_name() == "sqlite" and parsed.database
        self._path = Path(f"{parsed.database}.lock") if is_file else None
        self._file: IO[str] | None = None

    async def hold(self) -> None:
        """Return once this process alone holds the record; says in the log for what it waits."""
        if self._path is None or self._held(self._path):
            return
        log.warning("waiting for another orchestrator to release the records", extra={"lock": str(self._path)})
        while not self._held(self._path):  # noqa: ASYNC110  # Another process frees it, and tells no event here.
            await asyncio.sleep(_POLL_SECONDS)

    def release(self) -> None:
        """Let another process hold the record."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _held(self, path: Path) -> bool:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True
