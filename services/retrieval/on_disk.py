"""The documents of snapshots that are on the disk and not in memory, also of those that an earlier version wrote."""

from __future__ import annotations

import json
from pathlib import Path

from services.retrieval.manifest import MANIFEST, digest_of
from services.retrieval.passage import Document
from services.retrieval.snapshot_folder import DOCUMENTS, read_documents_of
from shared.snapshots import SnapshotRefused, snapshot_folders


def kept_documents(folder: Path) -> list[Document]:
    """Return the documents of a snapshot, whatever version wrote the rest of it.

    Raises SnapshotRefused where they are damaged or of a shape that this version cannot read; the message says why.
    """
    try:
        manifest = (folder / MANIFEST).read_bytes()
        content = (folder / DOCUMENTS).read_bytes()
    except OSError as error:
        raise SnapshotRefused(f"index {folder.name} cannot be read ({error.strerror})") from error
    try:
        recorded = json.loads(manifest)["files"][DOCUMENTS]
    except (ValueError, TypeError, LookupError) as error:
        raise SnapshotRefused(f"index {folder.name} has a manifest of another shape ({error})") from error
    if digest_of(manifest) != folder.name or digest_of(content) != recorded:
        raise SnapshotRefused(f"the documents of index {folder.name} were changed")
    return read_documents_of(folder)


def is_held(root: Path, document_id: str) -> bool:
    """Return whether a snapshot on the disk holds a document with this id."""
    return any(_holds(folder, document_id) for folder in snapshot_folders(root))


def _holds(folder: Path, document_id: str) -> bool:
    try:
        return any(document.id == document_id for document in kept_documents(folder))
    except SnapshotRefused:
        return False
