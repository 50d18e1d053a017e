"""The snapshots in memory: the active one, and a few others that requests named."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from services.retrieval.snapshot import Snapshot
from shared.errors import NotFound, NotReady, UpstreamUnavailable
from shared.snapshots import SnapshotRefused, active_digest, is_digest, pointer_mark

log = logging.getLogger(__name__)

Load = Callable[[Path], Snapshot]


class SnapshotShelf:
    """Hands out snapshots and follows the pointer; safe to call from several threads.

    A call keeps the snapshot it was given: a swap never touches running work. A snapshot that is refused leaves
    the serving one in place.
    """

    def __init__(self, root: Path, load: Load, kept: int) -> None:
        """root: folder of snapshots.  load: opens one or raises SnapshotRefused.  kept: how many beside the active."""
        self._root = root
        self._load = load
        self._kept = kept
        self._active: Snapshot | None = None
        self._others: OrderedDict[str, Snapshot] = OrderedDict()
        self._refused: tuple[int, int] | None = None
        self._waiting = ""
        self._lock = threading.Lock()
        self._loading = threading.Lock()

    @property
    def active(self) -> Snapshot | None:
        """Return the snapshot that searches without a name use, None before the first."""
        return self._active

    def refresh(self) -> bool:
        """Follow the pointer and return whether the active snapshot changed; a refusal is logged once.

        Where the store for vectors cannot be reached, the next call tries again.
        """
        # A repaired snapshot has the same id; its pointer is written anew, and that is worth another attempt.
        attempt = pointer_mark(self._root)
        if attempt == self._refused:
            return False
        started = time.perf_counter()
        name = ""
        try:
            name = active_digest(self._root) or ""
            if not name or (self._active is not None and name == self._active.id):
                return False
            snapshot = self._open(name)
        except SnapshotRefused as error:
            self._refused = attempt
            serving = self._active.id if self._active else ""
            log.error("index refused", extra={"index": name, "reason": str(error), "serving": serving})
            return False
        except UpstreamUnavailable as error:
            # It comes back without the pointer changing, so the next look tries again; one warning is enough.
            if name != self._waiting:
                log.warning("index waits", extra={"index": name, "reason": str(error)})
            self._waiting = name
            return False
        self._waiting = ""
        self._put_active(snapshot)
        seconds = round(time.perf_counter() - started, 3)
        counts = {"passages": len(snapshot.passages), "documents": snapshot.manifest.document_count}
        log.info("index loaded", extra={"index": name, "seconds": seconds, **counts})
        return True

    def get(self, snapshot_id: str) -> Snapshot:
        """Return the snapshot with this id, loading it if need be; "" means the active one.

        Raises NotFound for an unknown or refused one, NotReady where none is active.
        """
        if not snapshot_id and self._active is None:
            raise NotReady("no index is loaded; run: fiducia ingest kb/", {"missing": "index"})
        if found := self._on_shelf(snapshot_id):
            return found
        try:
            return self._open(snapshot_id)
        except SnapshotRefused as error:
            raise NotFound(str(error), {"index_snapshot": snapshot_id}) from error

    def _on_shelf(self, snapshot_id: str) -> Snapshot | None:
        with self._lock:
            if self._active is not None and snapshot_id in ("", self._active.id):
                return self._active
            if snapshot_id in self._others:
                self._others.move_to_end(snapshot_id)
            return self._others.get(snapshot_id)

    def _open(self, snapshot_id: str) -> Snapshot:
        # One at a time: two calls that name the same snapshot must not both load it.
        with self._loading:
            if found := self._on_shelf(snapshot_id):
                return found
            # The id is checked before it becomes part of a path.
            if not is_digest(snapshot_id) or not (self._root / snapshot_id).is_dir():
                raise SnapshotRefused(f"there is no index {snapshot_id} here; list the index snapshots of this server")
            try:
                snapshot = self._load(self._root / snapshot_id)
            except OSError as error:
                raise SnapshotRefused(f"index {snapshot_id} cannot be read: {error}; correct its access") from error
            with self._lock:
                self._shelve(snapshot)
            return snapshot

    def _put_active(self, snapshot: Snapshot) -> None:
        with self._lock:
            previous, self._active = self._active, snapshot
            self._others.pop(snapshot.id, None)
            # Proposals that began on the previous snapshot go on naming it.
            if previous is not None:
                self._shelve(previous)

    def _shelve(self, snapshot: Snapshot) -> None:
        if self._active is not None and snapshot.id == self._active.id:
            return
        self._others[snapshot.id] = snapshot
        self._others.move_to_end(snapshot.id)
        while len(self._others) > self._kept:
            self._others.popitem(last=False)
