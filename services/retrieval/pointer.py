"""The pointer to the active snapshot: `<root>/active` holds the id, which is the name of a folder beside it."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

SNAPSHOT_ID = re.compile(r"[0-9a-f]{64}")
_ACTIVE = "active"


def active_id(root: Path) -> str:
    """Return the id that the pointer holds, "" where there is none."""
    try:
        return (root / _ACTIVE).read_text().strip()
    except FileNotFoundError:
        return ""


def activated_at(root: Path) -> int:
    """Return when the pointer was written, nanoseconds since 1970; 0 where there is none."""
    try:
        return (root / _ACTIVE).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def activate(root: Path, snapshot_id: str) -> None:
    """Point at a snapshot; a reader sees the old pointer or the new one, never a part."""
    handle, name = tempfile.mkstemp(prefix=".active-", dir=root)
    with os.fdopen(handle, "w") as part:
        part.write(f"{snapshot_id}\n")
    # A service may run as another user; mkstemp lets in its owner only.
    Path(name).chmod(0o644)
    Path(name).replace(root / _ACTIVE)


def snapshot_folders(root: Path) -> list[Path]:
    """Return the folders named like a snapshot, by name."""
    return sorted(folder for folder in root.glob("*") if SNAPSHOT_ID.fullmatch(folder.name))
