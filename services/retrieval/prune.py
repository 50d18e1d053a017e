"""Remove old snapshots from the disk."""

from __future__ import annotations

import shutil
from pathlib import Path

from services.retrieval.listing import list_snapshots
from services.retrieval.locked import WRITE_LOCK, locked
from shared.snapshots import active_digest


def prune(root: Path, kept: int, keep: str = "") -> list[str]:
    """Remove all but the active snapshot, `keep` and the `kept` newest others; return the ids removed.

    The caller holds the import lock. A folder is renamed before it is emptied, so that nobody reads a half-removed
    one. Damaged snapshots are left for people to look at. Raises SnapshotRefused where the pointer cannot be read:
    then nothing is removed.
    """
    # Nobody activates a snapshot between the look at the pointer and the renaming.
    with locked(root / WRITE_LOCK):
        active = active_digest(root)
        others = [listed.id for listed in list_snapshots(root) if listed.id not in (active, keep)]
        for digest in others[kept:]:
            (root / digest).rename(_gone(root, digest))
    for digest in others[kept:]:
        shutil.rmtree(_gone(root, digest))
    return others[kept:]


def _gone(root: Path, digest: str) -> Path:
    return root / f".removed-{digest}"
