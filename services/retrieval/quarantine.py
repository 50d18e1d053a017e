"""Documents withdrawn from all results: a file beside the snapshots that every replica reads."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

from services.retrieval.locked import WRITE_LOCK, locked
from shared.errors import NotReady
from shared.snapshots import replace_file

_FILE = "quarantine.json"


@dataclass(frozen=True)
class Ruling:
    """A decision about a document. time: ISO 8601 in UTC."""

    document_id: str
    reason: str
    release: bool
    time: str


class Quarantine:
    """The rulings under a folder; each holds from the moment it is written, in every process that shares the folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._read: tuple[tuple[int, ...] | None, dict[str, str]] = (None, {})
        self._reading = threading.Lock()

    def reasons(self) -> dict[str, str]:
        """Return why each withdrawn document is, by document id.

        Raises NotReady where the file cannot be read: better no answer than one from a withdrawn document.
        """
        mark = self._mark()
        with self._reading:
            if self._read[0] != mark:
                self._read = (mark, _in_force(self._rulings()))
            return self._read[1]

    def rule(self, ruling: Ruling) -> None:
        """Write a ruling after those there are; none is ever removed."""
        with locked(self._root / WRITE_LOCK):
            content = [asdict(one) for one in (*self._rulings(), ruling)]
            replace_file(self._root / _FILE, (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode())

    def _mark(self) -> tuple[int, ...] | None:
        try:
            found = (self._root / _FILE).stat()
        except FileNotFoundError:
            return None
        # The file only ever grows: its size tells two rulings of the same moment apart.
        return found.st_mtime_ns, found.st_ino, found.st_size

    def _rulings(self) -> list[Ruling]:
        try:
            return [Ruling(**one) for one in json.loads((self._root / _FILE).read_text())]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError) as error:
            raise NotReady(f"the quarantine list cannot be read: {error}", {"missing": _FILE}) from error


def _in_force(rulings: list[Ruling]) -> dict[str, str]:
    latest = {ruling.document_id: ruling for ruling in rulings}
    return {key: ruling.reason for key, ruling in latest.items() if not ruling.release}
