"""The market snapshots a server knows, and which one requests use when they name none."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from services.optimizer.moments import Market, market_of
from services.optimizer.price_snapshot import PriceSnapshot, decoded, write_prices
from services.optimizer.snapshots import Snapshot, read_snapshot, stored_digests, written_at
from services.optimizer.stress import StressScenario, stored_scenarios
from shared.errors import InvalidRequest, NotFound, NotReady, UnsupportedCombination
from shared.snapshots import SnapshotRefused, activate, active_digest, is_digest

log = logging.getLogger(__name__)

# A digest has 64; of what is none, no more is repeated.
_SHOWN = 80


@dataclass(frozen=True)
class Page:
    """Some snapshots and the token of the page after them, empty on the last."""

    snapshots: Sequence[Snapshot | PriceSnapshot]
    next_token: str


class _Loaded:
    """A snapshot with its factors, which are computed once."""

    def __init__(self, snapshot: Snapshot | PriceSnapshot) -> None:
        self.snapshot = snapshot

    @cached_property
    def market(self) -> Market:
        if isinstance(self.snapshot, PriceSnapshot):
            return self.snapshot.market
        return market_of(self.snapshot.id, self.snapshot.assumptions)


class MarketStore:
    """Snapshots below a folder. They never change, so what was read once is kept.

    most: how many are kept, the least recently used leaving first; None for all.
    """

    def __init__(self, root: Path, most: int | None = None) -> None:
        self._root = root
        self._most = most
        self._loaded: OrderedDict[str, _Loaded] = OrderedDict()
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
        return self._found(digest).market

    def prices(self, digest: str) -> PriceSnapshot | None:
        """Return the prices of a snapshot, None where it holds assumptions; "" means the active one.

        Raises NotFound, NotReady.
        """
        snapshot = self._found(digest).snapshot
        return snapshot if isinstance(snapshot, PriceSnapshot) else None

    def required_prices(self, digest: str) -> PriceSnapshot:
        """Return the prices of a snapshot. Raises UnsupportedCombination where it holds none; NotFound, NotReady."""
        prices = self.prices(digest)
        if prices is None:
            raise UnsupportedCombination(
                "problem.market_snapshot: holds assumptions, and this needs prices; import a table of prices and name "
                "the snapshot that it becomes"
            )
        return prices

    def scenarios(self) -> Mapping[str, StressScenario]:
        """Return the stress scenarios on this server, by name."""
        try:
            return stored_scenarios(self._root)
        except SnapshotRefused as error:
            raise NotReady(str(error)) from error

    def keep(self, content: bytes) -> PriceSnapshot:
        """Write encoded prices as a snapshot and return it."""
        snapshot = decoded(content)
        write_prices(self._root, content)
        self._loaded.setdefault(snapshot.id, _Loaded(snapshot))
        return snapshot

    def activate(self, digest: str) -> str:
        """Make this snapshot the active one, on disk and here, and return its digest. Raises NotFound."""
        if not digest:
            raise InvalidRequest.of("market_snapshot", "missing; name the snapshot that is to become the active one")
        self._found(digest)
        activate(self._root, digest)
        self.refresh()
        return digest

    def snapshot(self, digest: str) -> Snapshot | PriceSnapshot:
        """Return a snapshot; "" means the active one. Raises InvalidRequest, NotFound, NotReady."""
        if digest and not is_digest(digest):
            found = f"found {digest[:_SHOWN]!r}, expected 64 hexadecimal digits, or nothing for the active one"
            raise InvalidRequest.of("market_snapshot", found)
        return self._found(digest).snapshot

    def written(self, digest: str) -> datetime:
        """Return when the data of a stored snapshot was last written here. Raises NotFound."""
        try:
            return written_at(self._root, digest)
        except OSError as error:
            raise NotFound(f"market_snapshot: {digest} is no longer on this server ({error.strerror})") from error

    def page(self, size: int, token: str) -> Page:
        """Return up to `size` snapshots, newest first, after the one whose digest is `token`.

        Raises InvalidRequest where the token is not the digest of a snapshot here.
        """
        snapshots = sorted(self._readable(), key=lambda entry: (entry.as_of, entry.id), reverse=True)
        start = 0
        if token:
            ids = [entry.id for entry in snapshots]
            if token not in ids:
                raise InvalidRequest.of("page_token", "unknown; send the next_page_token of the page before, or none")
            start = ids.index(token) + 1
        shown = snapshots[start : start + size]
        return Page(shown, shown[-1].id if start + size < len(snapshots) else "")

    def _found(self, digest: str) -> _Loaded:
        wanted = digest or self._active
        if wanted is None:
            raise NotReady("no market snapshot is active; run `fiducia ingest kb/` and try again")
        if wanted not in self._loaded and wanted not in stored_digests(self._root):
            found = f"market_snapshot: {wanted[:_SHOWN]!r} is not on this server"
            raise NotFound(f"{found}; name one that is, or leave the field empty for the active one")
        try:
            return self._load(wanted)
        except SnapshotRefused as error:
            raise NotFound(f"market_snapshot: {wanted} cannot be used: {error}") from error

    def _readable(self) -> list[Snapshot | PriceSnapshot]:
        found: list[Snapshot | PriceSnapshot] = []
        for digest in stored_digests(self._root):
            try:
                found.append(self._load(digest).snapshot)
            except SnapshotRefused as error:
                self._complain(str(error))
        return found

    def _load(self, digest: str) -> _Loaded:
        if digest not in self._loaded:
            self._loaded[digest] = _Loaded(read_snapshot(self._root, digest))
        self._loaded.move_to_end(digest)
        if self._most is not None and len(self._loaded) > self._most:
            self._loaded.popitem(last=False)
        return self._loaded[digest]

    def _complain(self, problem: str) -> None:
        # The pointer is read every second: a fault is worth one line, not one a second.
        if problem != self._complaint:
            self._complaint = problem
            log.error("market snapshot not usable", extra={"problem": problem})
