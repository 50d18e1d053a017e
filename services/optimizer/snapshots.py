"""Market snapshots on disk: immutable folders named by the digest of their content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from pydantic import ValidationError

from services.optimizer.price_snapshot import PRICES_FILE, PriceSnapshot, read_prices_snapshot
from shared.assumptions import AssumptionSet
from shared.snapshots import SnapshotRefused, replace_file, snapshot_folders

ASSUMPTIONS_FILE = "assumptions.json"


@dataclass(frozen=True)
class Snapshot:
    """A set of assumptions with the digest that names it."""

    id: str
    assumptions: AssumptionSet

    @property
    def as_of(self) -> date:
        """The day of the assumptions."""
        return self.assumptions.as_of


def write_snapshot(root: Path, assumptions: AssumptionSet) -> str:
    """Write the set below `root` under its digest and return the digest; equal sets have equal digests."""
    # Keys stay in the order of the model: the order of asset classes carries meaning.
    content = assumptions.model_dump_json().encode()
    digest = hashlib.sha256(content).hexdigest()
    replace_file(root / digest / ASSUMPTIONS_FILE, content)
    return digest


def stored_digests(root: Path) -> list[str]:
    """Return the digests of all snapshots below `root`, sorted."""
    files = (ASSUMPTIONS_FILE, PRICES_FILE)
    return [folder.name for folder in snapshot_folders(root) if any((folder / name).is_file() for name in files)]


def written_at(root: Path, digest: str) -> datetime:
    """Return when the data of a stored snapshot was last written. Raises OSError."""
    folder = root / digest
    path = folder / PRICES_FILE if (folder / PRICES_FILE).is_file() else folder / ASSUMPTIONS_FILE
    return datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)


def read_snapshot(root: Path, digest: str) -> Snapshot | PriceSnapshot:
    """Return the snapshot, checked against its digest. Raises SnapshotRefused."""
    if (root / digest / PRICES_FILE).is_file():
        return read_prices_snapshot(root, digest)
    path = root / digest / ASSUMPTIONS_FILE
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SnapshotRefused(f"{path}: not readable ({error.strerror}); ingest again") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise SnapshotRefused(f"{path}: content does not match its digest; remove the folder and ingest again")
    try:
        return Snapshot(digest, AssumptionSet.model_validate_json(content))
    except ValidationError as error:
        raise SnapshotRefused(f"{path}: written by another version; ingest again") from error
