"""Put the vectors of the snapshots on disk into the vector store: `python -m services.retrieval.fill`.

For a store that is new or was lost; an import puts its own snapshot. What is there already stays. The store and the
data folder are those of the service's settings.
"""

from __future__ import annotations

import sys
from pathlib import Path

from services.retrieval.settings import RetrievalSettings
from services.retrieval.vector_store import VectorStore, store_for
from shared.builder import exit_status, tell
from shared.errors import UpstreamUnavailable
from shared.logs import configure_logs
from shared.snapshots import snapshot_folders


def main() -> int:
    """Print progress as JSON lines and return 0; print what stops it on standard error and return 2."""
    settings = RetrievalSettings()
    configure_logs("fill", "WARNING")
    root = settings.data_dir / "index"
    return exit_status(lambda: fill(root, store_for(settings)), root, (UpstreamUnavailable,))


def fill(root: Path, store: VectorStore) -> None:
    """Put every snapshot under a folder into the store.

    Raises SnapshotRefused where one is damaged, UpstreamUnavailable.
    """
    folders = snapshot_folders(root)
    for number, folder in enumerate(folders, 1):
        store.put(folder)
        tell("put", {"digest": folder.name, "done": number, "of": len(folders)})


if __name__ == "__main__":
    sys.exit(main())
