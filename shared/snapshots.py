"""Snapshots on disk: immutable folders `<root>/<digest>/`, and the file `<root>/active` that names the one in use."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

ACTIVE = "active"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_LONGEST_VALUE = 80


class SnapshotRefused(Exception):
    """A snapshot, or the pointer to the active one, cannot be used; the message says which, why and what to do."""


def is_digest(text: str) -> bool:
    """Return whether the text can name a snapshot; nothing else may become part of a path."""
    return _DIGEST.fullmatch(text) is not None


def active_digest(root: Path) -> str | None:
    """Return the digest of the active snapshot, or None where none was ever activated.

    Raises SnapshotRefused where the pointer holds something else.
    """
    path = root / ACTIVE
    try:
        digest = path.read_bytes().decode("ascii", "replace").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SnapshotRefused(f"{path}: not readable ({error.strerror}); correct its access") from error
    if not is_digest(digest):
        found = digest[:_LONGEST_VALUE]
        raise SnapshotRefused(f"{path}: found {found!r}, expected 64 hexadecimal digits; run: fiducia ingest kb/")
    return digest


def pointer_mark(root: Path) -> tuple[int, int] | None:
    """Return what changes whenever a snapshot is activated, the same one again included; None without a pointer."""
    try:
        found = (root / ACTIVE).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino


def activate(root: Path, digest: str) -> None:
    """Make this snapshot the active one; a reader sees the old pointer or the new one, never a part."""
    replace_file(root / ACTIVE, f"{digest}\n".encode())


def snapshot_folders(root: Path) -> list[Path]:
    """Return the folders named like a snapshot, by name; which of them are whole is for their owner to say."""
    return sorted(folder for folder in root.glob("*") if is_digest(folder.name) and folder.is_dir())


def replace_file(path: Path, content: bytes) -> None:
    """Write a file, and the folders above it, so that no reader sees it half-written, also after a crash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
        part = Path(file.name)
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            part.chmod(0o644)  # A temporary file is private to its owner; services may run as other users.
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)  # Only there where one of the steps above failed.
