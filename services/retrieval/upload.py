"""The files of an import on their way in, in a folder that goes when the import ends."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from services.retrieval.formats.limits import LARGEST_FILE
from services.retrieval.ingest.plan import Plan
from services.retrieval.sweep import sweep
from shared.errors import InvalidRequest

MOST_FILES = 10_000
LARGEST_UPLOAD = 2 << 30


class Upload:
    """A folder that files are written into one after another."""

    def __init__(self, folder: Path) -> None:
        self.files = folder / "files"
        self.plan = folder / "plan.json"
        self.errors = folder / "errors"
        self.count = 0
        self._total = 0
        self._own = 0
        self._open: BinaryIO | None = None
        self.files.mkdir()

    def begin(self, path: PurePosixPath, content: bytes) -> None:
        """Begin a file. Raises InvalidRequest where the path was sent before or there are too many files."""
        self.end()
        if self.count == MOST_FILES:
            raise InvalidRequest.of("document", f"more than {MOST_FILES} files; split the import")
        target = self.files / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._open = target.open("xb")
        except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
            reason = f"{path} was sent before, as a file or as a folder; send each file once"
            raise InvalidRequest.of("document.path", reason) from error
        self.count += 1
        self._own = 0
        self.more(content)

    def more(self, content: bytes) -> None:
        """Add bytes to the file that was begun last. Raises InvalidRequest."""
        if self._open is None:
            raise InvalidRequest.of("more", "comes before a document; send a document first")
        self._own += len(content)
        self._total += len(content)
        if self._own > LARGEST_FILE:
            raise InvalidRequest.of("more", f"the file holds more than {LARGEST_FILE} bytes; split it")
        if self._total > LARGEST_UPLOAD:
            raise InvalidRequest.of("more", f"the import holds more than {LARGEST_UPLOAD} bytes; split it")
        self._open.write(content)

    def end(self, plan: Plan | None = None) -> None:
        """Close the file begun last; with a plan, write it beside the files."""
        if self._open is not None:
            self._open.close()
            self._open = None
        if plan is not None:
            self.plan.write_text(plan.to_json())


@contextmanager
def uploading(root: Path) -> Iterator[Upload]:
    """Yield an upload into a folder beside the snapshots; afterwards remove it, and what others left unfinished.

    The caller holds the import lock.
    """
    sweep(root)
    folder = Path(tempfile.mkdtemp(prefix=".import-", dir=root))
    upload = Upload(folder)
    try:
        yield upload
    finally:
        upload.end()
        sweep(root)
