"""Whether processes still run, and small programs to start as children."""

from __future__ import annotations

import os
import time
from pathlib import Path

# Tells its port, as a service does, and then sleeps.
LISTENER = """
import os, pathlib, time
pathlib.Path(os.environ["FIDUCIA_PORT_FILE"]).write_text("1")
time.sleep(60)
"""
# Ignores the polite request.
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
# Has a child of its own in the same group, whose id it prints.
PARENT = """
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid, flush=True)
time.sleep(60)
"""


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def ends_within(seconds: float, *pids: int) -> bool:
    deadline = time.monotonic() + seconds
    while any(is_running(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def first_line(file: Path, seconds: float = 10.0) -> str:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        lines = file.read_text().splitlines()
        if lines:
            return lines[0]
        time.sleep(0.05)
    raise AssertionError(f"{file} stays empty")


def marked_processes(mark: str) -> set[int]:
    """Return the running processes that have this text in their environment."""
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid() and is_running(int(folder.name)):
            try:
                environment = (folder / "environ").read_bytes()
            except OSError:
                continue
            if mark.encode() in environment:
                found.add(int(folder.name))
    return found
