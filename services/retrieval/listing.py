"""The snapshots on this server, newest first, in pages."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from services.retrieval.manifest import CREATED, Manifest, read_manifest
from shared.snapshots import SnapshotRefused, active_digest, snapshot_folders

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Listed:
    """A snapshot folder: its manifest, when it was built, and whether the pointer names it."""

    id: str
    active: bool
    created: datetime
    manifest: Manifest


def list_snapshots(root: Path) -> list[Listed]:
    """Return the snapshots with a readable manifest, newest first, equal times by id."""
    active = _active(root)
    listed = [entry for folder in snapshot_folders(root) if (entry := _listed(folder, active))]
    return sorted(listed, key=lambda entry: (-entry.created.timestamp(), entry.id))


def page_after(listed: list[Listed], last_id: str, size: int) -> tuple[list[Listed], str]:
    """Return the page that follows the snapshot `last_id` ("": the first page), and the last id if more follow.

    Raises KeyError where no snapshot has this id, as after its removal.
    """
    ids = [entry.id for entry in listed]
    if last_id and last_id not in ids:
        raise KeyError(last_id)
    start = ids.index(last_id) + 1 if last_id else 0
    page = listed[start : start + size]
    return page, page[-1].id if start + size < len(listed) else ""


def _active(root: Path) -> str | None:
    try:
        return active_digest(root)
    except SnapshotRefused:
        # Whoever follows the pointer has told of it; the snapshots are there all the same.
        return None


def _listed(folder: Path, active: str | None) -> Listed | None:
    try:
        manifest = read_manifest(folder)
        created = datetime.fromisoformat((folder / CREATED).read_text().strip()).astimezone(UTC)
    except (SnapshotRefused, OSError, ValueError) as error:
        log.warning("index left out of the list", extra={"index": folder.name, "reason": str(error)})
        return None
    return Listed(folder.name, folder.name == active, created, manifest)
