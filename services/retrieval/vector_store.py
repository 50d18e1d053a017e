"""Where the vectors of snapshots are searched: in the snapshot's own files, or in a store that machines share."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from services.retrieval.faiss_index import FaissIndex
from services.retrieval.settings import RetrievalSettings
from services.retrieval.snapshot import VectorIndex


class VectorStore(Protocol):
    """Searches the vectors of snapshots. Every method raises UpstreamUnavailable where it cannot be reached."""

    def reach(self) -> None:
        """Return where it answers."""

    def put(self, folder: Path) -> None:
        """Make the vectors of the snapshot in a folder searchable; nothing to do where they are.

        Raises SnapshotRefused where the folder is damaged.
        """

    def open(self, folder: Path, encoder: int) -> VectorIndex:
        """Return the vectors of a snapshot by its encoder of this number.

        Raises SnapshotRefused where they are not there or not those of its manifest.
        """

    def drop(self, snapshot_id: str) -> None:
        """Forget the vectors of a snapshot that was removed from the disk."""


class FolderStore:
    """Searches the files of the snapshot itself; there is nothing to reach, to put or to drop."""

    def reach(self) -> None:
        """Return."""

    def put(self, folder: Path) -> None:
        """Return: the files are there."""

    def open(self, folder: Path, encoder: int) -> VectorIndex:
        """Return the vectors of a snapshot by its encoder of this number. Raises SnapshotRefused."""
        return FaissIndex.read(vectors_folder(folder, encoder))

    def drop(self, snapshot_id: str) -> None:
        """Return: the files went with the folder."""


def vectors_folder(folder: Path, encoder: int) -> Path:
    """Return where a snapshot keeps the vectors by its encoder of this number."""
    return folder / f"vectors-{encoder}"


def store_for(settings: RetrievalSettings) -> VectorStore:
    """Return the store that the settings name."""
    if settings.retrieval_vector_store == "faiss":
        return FolderStore()
    # Who searches files does not pay for loading its client.
    from services.retrieval.qdrant_store import QdrantStore, connect

    key = settings.retrieval_qdrant_api_key
    return QdrantStore(connect(settings.retrieval_qdrant_url, key.get_secret_value() if key else None))
