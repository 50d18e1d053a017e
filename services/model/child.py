"""Child processes that never outlive this one."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol

from services.model.errors import ModelServerError

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
TAIL_LINES = 15
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None  # Loaded before any fork: loading allocates memory.


class Runner(Protocol):
    """Runs a command to its end."""

    def __call__(self, command: Sequence[str], on_line: Callable[[str], None] | None = None) -> None:
        """Hand each line of its output to `on_line`; raise ModelServerError unless it exits with 0."""


def run(command: Sequence[str], on_line: Callable[[str], None] | None = None) -> None:
    """Run a command to its end; Ctrl-C or SIGTERM here ends it there too. See Runner."""
    child = spawn(command, clean_environment(), subprocess.PIPE)
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    try:
        assert child.stdout is not None
        for line in child.stdout:
            tail.append(line.rstrip())
            if on_line is not None:
                on_line(line.rstrip())
        code = child.wait()
    finally:
        stop(child, grace_seconds=2.0)
    if code != 0:
        raise ModelServerError(f"`{' '.join(command)}` failed with exit code {code}:\n" + "\n".join(tail))


def clean_environment() -> dict[str, str]:
    """Return the environment for another Python: without this one's module path, and without the working folder's."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    return kept | {"PYTHONNOUSERSITE": "1", "PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1"}


def spawn(
    command: Sequence[str], environment: Mapping[str, str], output: int | IO[str], folder: Path | None = None
) -> subprocess.Popen[str]:
    """Start a command in its own session, which the terminal's Ctrl-C does not reach, with both outputs in `output`.

    On Linux the kernel also sends it SIGTERM when the calling *thread* ends, so call this from the main thread.
    """
    parent = os.getpid()

    def die_with_parent() -> None:
        if _LIBC is not None:
            _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # It ended before the request was made.
                os._exit(1)

    return subprocess.Popen(
        command,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        preexec_fn=die_with_parent,
    )


def stop(child: subprocess.Popen[str], grace_seconds: float) -> None:
    """End a child and everything in its process group: SIGTERM to the child, after the grace SIGKILL to the group.

    A second Ctrl-C during the grace skips the rest of it.
    """
    try:
        if child.poll() is None:
            child.terminate()
            child.wait(grace_seconds)
    except subprocess.TimeoutExpired:
        pass
    finally:
        _kill_group(child.pid)
        child.wait()
        if child.stdout is not None:
            child.stdout.close()


def _kill_group(group: int) -> None:
    with suppress(ProcessLookupError):  # Nobody is left in it.
        os.killpg(group, signal.SIGKILL)
