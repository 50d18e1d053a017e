"""Child processes in groups of their own, stopped politely, then surely, and never outliving this process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launch.py")
TAIL_LINES = 12
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Command:
    """A program to start as a child.

    name:          under which people know it.
    arguments:     of this Python, such as ("-m", "services.retrieval").
    environment:   added to that of this process.
    death_signal:  sent by the kernel when this process ends, however it ends. SIGKILL unless the child has
                   children of its own to stop.
    grace_seconds: how long it may take to stop after SIGTERM.
    """

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    death_signal: signal.Signals = signal.SIGKILL
    grace_seconds: float = 10.0


class Child:
    """A started command. Its standard output and error go to files, which outlive it."""

    def __init__(self, command: Command, folder: Path) -> None:
        """Start the command with its files in `folder`. Call from the main thread: the child ends with the thread."""
        folder.mkdir(parents=True, exist_ok=True)
        self.command = command
        self.log = folder / f"{command.name}.log"
        self.output = folder / f"{command.name}.out"
        with self.log.open("wb") as log, self.output.open("wb") as output:
            self._process = subprocess.Popen(
                _launched(command),
                env={**os.environ, **command.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=log,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Return the process id, which is also the id of its process group."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """Return how it ended, or None while it runs."""
        return self._process.poll()

    def tail(self) -> str:
        """Return the last lines of its log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-TAIL_LINES:])

    async def stop(self) -> None:
        """Ask it to stop, wait for its grace, then end whatever is left of its group."""
        deadline = time.monotonic() + self.command.grace_seconds
        try:
            if self.exit_status is None:
                self._process.terminate()
            while self.exit_status is None and time.monotonic() < deadline:  # noqa: ASYNC110 - a Popen has no event
                await asyncio.sleep(_POLL_SECONDS)
        finally:
            self.kill()

    def kill(self) -> None:
        """End its whole group at once; nothing happens where nobody is left."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()


def _launched(command: Command) -> Sequence[str]:
    launcher = (sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), str(int(command.death_signal)))
    return (*launcher, sys.executable, *command.arguments)
