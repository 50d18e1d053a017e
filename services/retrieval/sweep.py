"""Remove what killed processes left beside the snapshots."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from services.retrieval.locked import WRITE_LOCK, locked

# Made under the import lock only: snapshots on their way, uploads, snapshots on their way out.
_FOLDERS = (".building-", ".import-", ".removed-")
# The name that a temporary file has before it replaces another one, which happens under the write lock.
_PART = re.compile(r"\.[a-z0-9_]{8}")


def sweep(root: Path) -> None:
    """Remove unfinished folders and files. The caller holds the import lock, so nobody is at work on them."""
    for path in root.glob(".*"):
        if path.name.startswith(_FOLDERS) and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
    with locked(root / WRITE_LOCK):
        for path in root.glob(".*"):
            if _PART.fullmatch(path.name) and path.is_file():
                path.unlink(missing_ok=True)
