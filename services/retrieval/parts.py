"""What every group of the service's methods works with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from services.retrieval.encoder import Encoder
from services.retrieval.quarantine import Quarantine
from services.retrieval.relevance import RelevanceModel
from services.retrieval.search import Engine
from services.retrieval.shelf import SnapshotShelf
from services.retrieval.workers import Workers
from shared.errors import NotReady


@dataclass(frozen=True)
class Parts:
    """The parts of a running service.

    root:     folder of snapshots.
    encoders: returns them, in order of preference, once they are loaded.
    today:    the day in UTC.
    reranks:  see `Engine`.
    """

    root: Path
    shelf: SnapshotShelf
    encoders: Callable[[], Sequence[Encoder] | None]
    workers: Workers
    today: Callable[[], date]
    relevance: RelevanceModel
    quarantine: Quarantine
    reranks: bool = True

    def loaded_encoders(self) -> Sequence[Encoder]:
        """Return the encoders. Raises NotReady."""
        encoders = self.encoders()
        if encoders is None:
            raise NotReady("the encoders are not loaded yet; try again in a moment", {"missing": "encoders"})
        return encoders

    def engine(self) -> Engine:
        """Return what a search needs, with what is in quarantine at this moment. Raises NotReady."""
        withdrawn = frozenset(self.quarantine.reasons())
        return Engine(self.loaded_encoders(), self.relevance, withdrawn, self.reranks)
