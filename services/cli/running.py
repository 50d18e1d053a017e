"""What `fiducia up` runs, in a file that other commands read."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from services.cli.settings import state_home

ORCHESTRATOR = "orchestrator"


@dataclass(frozen=True)
class Running:
    """A running set of services.

    pid:       of the `fiducia up` that keeps them.
    addresses: host:port by service; the model server's under "model", as a URL.
    pids:      of the services.
    """

    pid: int
    addresses: Mapping[str, str]
    pids: Mapping[str, int]
    data_dir: str
    kb: str

    @property
    def is_alive(self) -> bool:
        """Tell whether the keeper and every service process exists; the model server may be missing."""
        needed = [pid for name, pid in self.pids.items() if name != "model"]
        return all(_exists(pid) for pid in [self.pid, *needed])


def running_file() -> Path:
    """Return the path of the file: $XDG_STATE_HOME/fiducia/up.json."""
    return state_home() / "up.json"


def write_running(running: Running) -> None:
    """Write the file whole, so that a reader never sees half of it."""
    file = running_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps(asdict(running), indent=2) + "\n", encoding="utf-8")
    part.replace(file)


def read_running() -> Running | None:
    """Return what runs, or None; a file left by a run that was killed counts as nothing."""
    running = _read()
    return running if running is not None and running.is_alive else None


def remove_running(pid: int) -> None:
    """Remove the file if it is that of process `pid`."""
    running = _read()
    if running is not None and running.pid == pid:
        running_file().unlink(missing_ok=True)


def _read() -> Running | None:
    try:
        return Running(**json.loads(running_file().read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
