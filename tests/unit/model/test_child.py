"""Child processes are ended with everything they started."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from services.model.child import clean_environment, run, spawn, stop
from services.model.errors import ModelServerError

# A parent that ignores SIGTERM and has a child of its own, whose id it prints.
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid, flush=True)
time.sleep(600)
"""
# Starts such a parent through `spawn`, prints its id and waits to be killed.
STARTER = """
import subprocess, sys, time
from services.model.child import clean_environment, spawn
child = spawn([sys.executable, "-c", "import time; time.sleep(600)"], clean_environment(), subprocess.PIPE)
print(child.pid, flush=True)
time.sleep(600)
"""


def test_lines_arrive_in_order_and_a_failure_shows_the_last_of_them() -> None:
    lines: list[str] = []

    with pytest.raises(ModelServerError, match=r"(?s)exit code 3.*no such package"):
        run([sys.executable, "-c", "print('one'); print('no such package'); raise SystemExit(3)"], lines.append)

    assert lines == ["one", "no such package"]


def test_stopping_ends_the_children_of_a_child_that_ignores_sigterm() -> None:
    child = spawn([sys.executable, "-c", STUBBORN], clean_environment(), subprocess.PIPE)
    assert child.stdout is not None
    grandchild = int(child.stdout.readline())

    stop(child, grace_seconds=0.2)

    assert child.returncode is not None
    assert ends(grandchild)


@pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel")
def test_a_child_ends_when_its_parent_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", STARTER], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())

        parent.kill()

    assert ends(child)


def ends(process: int, within_seconds: float = 5.0) -> bool:
    """Wait until a process is gone or a zombie that only its new parent can bury."""
    deadline = time.monotonic() + within_seconds
    while time.monotonic() < deadline:
        try:
            os.kill(process, 0)
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False
