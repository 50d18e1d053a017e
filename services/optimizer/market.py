"""The market snapshots a server knows, and which one requests use when they name none."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from services.optimizer.moments import Market, market_of
from services.optimizer.snapshots import Snapshot, read_snapshot, stored_digests
from shared.errors import InvalidRequest, NotFound, NotReady
from shared.snapshots import SnapshotRefused, active_digest

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Page:
    """Some snapshots and the token of the page after them, empty on the last."""

    snapshots: Sequence[Snapshot]
    next_token: str


class _Loaded:
    """A snapshot with its factors, which are computed once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    @cached_property
    def market(self) -> Market:
        return market_of(self.snapshot.id, self.snapshot.assumptions)


class MarketStore:
    """Snapshots below a folder. They never change, so what was read once is kept."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._loaded: dict[str, _Loaded] = {}
        self._active: str | None = None
        self._complaint = ""

    @property
    def active(self) -> str | None:
        """The digest of the snapshot in use, None before one is loaded."""
        return self._active

    def refresh(self) -> bool:
        """Load what the pointer names if it moved; return whether it did. What is in use stays where that fails."""
        try:
            digest = active_digest(self._root)
            if digest is None or digest == self._active:
                return False
            self._load(digest)
        except SnapshotRefused as error:
            self._complain(str(error))
            return False
        self._active, self._complaint = digest, ""
        log.info("market snapshot active", extra={"snapshot": digest})
        return True

    def market(self, digest: str) -> Market:
        """Return the factors of a snapshot; "" means the active one. Raises NotFound, NotReady."""
        wanted = digest or self._active
        if wanted is None:
            raise NotReady("no market snapshot is active; run `fiducia ingest kb/` and try again")
        if wanted not in self._loaded and wanted not in stored_digests(self._root):
            raise NotFound(
                f"market snapshot {wanted[:80]!r} is not on this server; ListMarketSnapshots names those that are"
            )
        try:
            return self._load(wanted).market
        except SnapshotRefused as error:
            raise NotFound(f"market snapshot {wanted} cannot be used: {error}") from error

    def page(self, size: int, token: str) -> Page:
        """Return up to `size` snapshots, newest first, after the one whose digest is `token`.

        Raises InvalidRequest where the token is not the digest of a snapshot here.
        """
        snapshots = sorted(self._readable(), key=lambda entry: (entry.assumptions.as_of, entry.id), reverse=True)
        start = 0
        if token:
            ids = [entry.id for entry in snapshots]
            if token not in ids:
                raise InvalidRequest.of("page_token", "unknown; send the next_page_token of the page before, or none")
            start = ids.index(token) + 1
        shown = snapshots[start : start + size]
        return Page(shown, shown[-1].id if start + size < len(snapshots) else "")

    def _readable(self) -> list[Snapshot]:
        found = []
        for digest in stored_digests(self._root):
            try:
                found.append(self._load(digest).snapshot)
            except SnapshotRefused as error:
                self._complain(str(error))
        return found

    def _load(self, digest: str) -> _Loaded:
        if digest not in self._loaded:
            self._loaded[digest] = _Loaded(read_snapshot(self._root, digest))
        return self._loaded[digest]

    def _complain(self, problem: str) -> None:
        # The pointer is read every second: a fault is worth one line, not one a second.
        if problem != self._complaint:
            self._complaint = problem
            log.error("market snapshot not usable", extra={"problem": problem})
