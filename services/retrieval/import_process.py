"""The process that works an import through, and what it tells."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from services.retrieval.upload import Upload
from shared.errors import CapacityExceeded, NotReady

# What a refusal says in full; a traceback is longer and goes to the log.
_LONGEST_ERROR = 4_000
_LARGEST_LINE = 1 << 20
_REFUSED = 2
# The exit statuses of an import that could not reach the store for vectors, or write the snapshot.
UNAVAILABLE = 3
NO_ROOM = 4


class ImportFailed(Exception):
    """The process ended without a snapshot. refused: because of what was sent, and the message says why."""

    def __init__(self, reason: str, refused: bool) -> None:
        super().__init__(reason)
        self.refused = refused


async def events_of(upload: Upload, root: Path, lock: int) -> AsyncGenerator[dict[str, Any], None]:
    """Run the import and yield what it tells as it goes on; the process ends with this generator.

    lock: descriptor of the import lock. The process holds it too: should the service be killed, nobody else begins an
          import before this one has ended.
    Raises ImportFailed, NotReady where the store for vectors does not answer, CapacityExceeded where the disk is full.
    """
    async with _running(upload, root, lock) as process:
        assert process.stdout is not None
        async for line in process.stdout:
            event: dict[str, Any] = json.loads(line)
            yield event
        if status := await process.wait():
            raise _failure(status, upload.errors.read_text(errors="replace")[-_LONGEST_ERROR:].strip())


def _failure(status: int, reason: str) -> Exception:
    if status == UNAVAILABLE:
        return NotReady(reason, {"missing": "vector store"})
    if status == NO_ROOM:
        return CapacityExceeded(reason)
    return ImportFailed(reason or f"the import ended with status {status}", refused=status == _REFUSED)


@asynccontextmanager
async def _running(upload: Upload, root: Path, lock: int) -> AsyncIterator[asyncio.subprocess.Process]:
    with upload.errors.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.retrieval.ingest.job"),
            *(str(upload.files), str(root), str(upload.plan)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            limit=_LARGEST_LINE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            pass_fds=[lock],
            start_new_session=True,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                # With the parser that it may have started: the session is theirs alone.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
