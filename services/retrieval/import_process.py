"""The process that works an import through, and what it tells."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from services.retrieval.upload import Upload
from shared.errors import NotReady

# What a refusal says in full; a traceback is longer and goes to the log.
_LONGEST_ERROR = 4_000
_LARGEST_LINE = 1 << 20


_REFUSED = 2
# The exit status of an import that could not reach the store for vectors.
UNAVAILABLE = 3


class ImportFailed(Exception):
    """The process ended without a snapshot. refused: because of what was sent, and the message says why."""

    def __init__(self, reason: str, refused: bool) -> None:
        super().__init__(reason)
        self.refused = refused


async def events_of(upload: Upload, root: Path) -> AsyncGenerator[dict[str, Any], None]:
    """Run the import and yield what it tells as it goes on; the process ends with this generator.

    Raises ImportFailed, NotReady where the store for vectors does not answer.
    """
    async with _running(upload, root) as process:
        assert process.stdout is not None
        async for line in process.stdout:
            event: dict[str, Any] = json.loads(line)
            yield event
        if status := await process.wait():
            reason = upload.errors.read_text(errors="replace")[-_LONGEST_ERROR:].strip()
            if status == UNAVAILABLE:
                raise NotReady(reason, {"missing": "vector store"})
            raise ImportFailed(reason, refused=status == _REFUSED)


@asynccontextmanager
async def _running(upload: Upload, root: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    with upload.errors.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.retrieval.ingest.job"),
            *(str(upload.files), str(root), str(upload.plan)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            limit=_LARGEST_LINE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
