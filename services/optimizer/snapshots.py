"""Market snapshots on disk: immutable folders named by the digest of their content, and which one is active."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from shared.assumptions import AssumptionSet

ACTIVE = "active"
ASSUMPTIONS_FILE = "assumptions.json"
_DIGEST = re.compile(r"[0-9a-f]{64}")


class SnapshotError(Exception):
    """A snapshot is missing, altered or not readable; the message says which file and what to do."""


@dataclass(frozen=True)
class Snapshot:
    """A set of assumptions with the digest that names it."""

    id: str
    assumptions: AssumptionSet


def write_snapshot(root: Path, assumptions: AssumptionSet) -> str:
    """Write the set below `root` under its digest and return the digest; equal sets have equal digests."""
    # Keys stay in the order of the model: the order of asset classes carries meaning.
    content = assumptions.model_dump_json().encode()
    digest = hashlib.sha256(content).hexdigest()
    _replace(root / digest / ASSUMPTIONS_FILE, content)
    return digest


def activate(root: Path, digest: str) -> None:
    """Make this snapshot the one that requests use by default."""
    _replace(root / ACTIVE, f"{digest}\n".encode())


def active_digest(root: Path) -> str | None:
    """Return the digest of the active snapshot, or None where none was ever activated.

    Raises SnapshotError where the pointer holds something else.
    """
    try:
        digest = (root / ACTIVE).read_bytes().decode("ascii", "replace").strip()
    except FileNotFoundError:
        return None
    if not _DIGEST.fullmatch(digest):
        raise SnapshotError(f"{root / ACTIVE}: found {digest[:80]!r}, expected 64 hexadecimal digits; ingest again")
    return digest


def stored_digests(root: Path) -> list[str]:
    """Return the digests of all snapshots below `root`, sorted."""
    return sorted(path.parent.name for path in root.glob(f"*/{ASSUMPTIONS_FILE}") if is_digest(path.parent.name))


def is_digest(text: str) -> bool:
    """Return whether the text can name a snapshot; nothing else may become part of a path."""
    return _DIGEST.fullmatch(text) is not None


def read_snapshot(root: Path, digest: str) -> Snapshot:
    """Return the snapshot, checked against its digest. Raises SnapshotError."""
    path = root / digest / ASSUMPTIONS_FILE
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SnapshotError(f"{path}: not readable ({error.strerror}); ingest again") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise SnapshotError(f"{path}: content does not match its digest; remove the folder and ingest again")
    try:
        return Snapshot(digest, AssumptionSet.model_validate_json(content))
    except ValidationError as error:
        raise SnapshotError(f"{path}: written by another version; ingest again") from error


def _replace(path: Path, content: bytes) -> None:
    """Write a file so that no reader sees it half-written, also after a crash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).chmod(0o644)  # A temporary file is private to its owner; services may run as another user.
    Path(file.name).replace(path)
