"""Put the vectors of the snapshots on disk into the vector store: `python -m services.retrieval.fill`.

For a store that is new or was lost; an import puts its own snapshot. What is there already stays. The store and the
data folder are those of the service's settings.
"""

from __future__ import annotations

import sys
from pathlib import Path

from services.retrieval.locked import IMPORT_LOCK, locked
from services.retrieval.settings import RetrievalSettings
from services.retrieval.vector_store import VectorStore, store_for
from shared.builder import exit_status, tell
from shared.errors import UpstreamUnavailable
from shared.logs import configure_logs
from shared.snapshots import SnapshotRefused, snapshot_folders


def main() -> int:
    """Print progress as JSON lines and return 0; print what stops it on standard error and return 2."""
    settings = RetrievalSettings()
    configure_logs("fill", "WARNING")
    root = settings.data_dir / "index"
    return exit_status(lambda: fill(root, store_for(settings)), root, (UpstreamUnavailable,))


def fill(root: Path, store: VectorStore) -> None:
    """Put every snapshot under a folder into the store; one that is damaged does not keep the others out.

    Raises SnapshotRefused at the end, naming those that could not be put, UpstreamUnavailable at once.
    """
    refused = []
    # An import would put its own snapshot, and take old ones away.
    with locked(root / IMPORT_LOCK):
        folders = snapshot_folders(root)
        for number, folder in enumerate(folders, 1):
            try:
                store.put(folder)
            except SnapshotRefused as error:
                refused.append(str(error))
            else:
                tell("put", {"digest": folder.name, "done": number, "of": len(folders)})
    if refused:
        raise SnapshotRefused("\n".join(refused))


if __name__ == "__main__":
    sys.exit(main())
