"""What happens to a snapshot once it is built: it may become the active one, and old ones go."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from services.retrieval.locked import WRITE_LOCK, locked
from services.retrieval.prune import prune
from services.retrieval.vector_store import VectorStore
from shared.errors import UpstreamUnavailable
from shared.snapshots import activate

log = logging.getLogger(__name__)


def publish(root: Path, digest: str, store: VectorStore, kept: int, *, is_activated: bool) -> None:
    """Activate the snapshot where wanted, then remove all but the active one, this one and the `kept` newest others.

    The caller holds the import lock. What a store does not drop now costs room there and harms nobody.
    """
    if is_activated:
        _settle(root / digest)
        with locked(root / WRITE_LOCK):
            activate(root, digest)
    for removed in prune(root, kept, keep=digest):
        try:
            store.drop(removed)
        except UpstreamUnavailable as error:
            log.warning("vectors not dropped", extra={"index": removed, "reason": str(error)})


def _settle(folder: Path) -> None:
    # The pointer reaches the disk at once; what it points to must be there first, also when the power fails.
    for path in (*folder.rglob("*"), folder, folder.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
