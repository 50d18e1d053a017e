"""The catalogue in force: loaded when there is one, replaced when a new one becomes active."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from services.orchestrator.catalogue.load import Catalogue, load_catalogue
from shared.errors import NotReady
from shared.snapshots import SnapshotRefused, pointer_mark

log = logging.getLogger(__name__)


class CatalogueShelf:
    """Holds the active catalogue. A proposal keeps the one it began with."""

    def __init__(self, folder: Path, poll_seconds: float) -> None:
        self._folder = folder
        self._poll_seconds = poll_seconds
        self._catalogue: Catalogue | None = None
        self._seen: tuple[int, int] | None = None

    def current(self) -> Catalogue:
        """Return the catalogue in force. Raises NotReady while there is none."""
        if self._catalogue is None:
            raise NotReady("no catalogue is loaded; run: fiducia ingest kb/", {"missing": "catalogue"})
        return self._catalogue

    async def wait(self) -> None:
        """Return once a catalogue is loaded; says in the log how to make one."""
        await self._refresh()
        if self._catalogue is None:
            log.warning("no catalogue yet; run: fiducia ingest kb/", extra={"folder": str(self._folder)})
        while self._catalogue is None:
            await asyncio.sleep(self._poll_seconds)
            await self._refresh()

    async def watch(self) -> None:
        """Load each new catalogue, for ever; a faulty one is refused and the old one stays."""
        while True:
            await asyncio.sleep(self._poll_seconds)
            await self._refresh()

    async def _refresh(self) -> None:
        mark = pointer_mark(self._folder)
        if mark is None or mark == self._seen:
            return
        self._seen = mark
        try:
            catalogue = await asyncio.to_thread(load_catalogue, self._folder)
        except SnapshotRefused as error:
            log.error("catalogue refused", extra={"problem": str(error)})
            return
        except Exception:
            # Whatever lies there, it must not end the watch: the catalogue in force stays.
            log.exception("catalogue refused")
            return
        self._catalogue = catalogue
        log.info("catalogue loaded", extra={"products": len(catalogue.products), "digest": catalogue.digest})
