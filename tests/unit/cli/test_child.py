"""A child process is stopped politely, then surely, with its whole group, and never outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from services.cli.child import Child, Command
from tests.unit.cli.processes import PARENT, STUBBORN, ends_within, first_line, is_running

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def start(folder: Path, program: str, grace_seconds: float = 5.0) -> Child:
    return Child(Command("sample", ("-c", program), {"SAMPLE": "word"}, grace_seconds=grace_seconds), folder)


async def test_output_and_log_are_kept_apart(tmp_path: Path) -> None:
    child = start(tmp_path, "import os, sys; print(os.environ['SAMPLE']); print('oops', file=sys.stderr)")

    assert ends_within(10, child.pid)
    assert child.exit_status == 0
    assert child.output.read_text() == "word\n"
    assert child.tail() == "oops"


async def test_a_polite_child_stops_at_once(tmp_path: Path) -> None:
    child = start(tmp_path, "import time; print('up', flush=True); time.sleep(60)", grace_seconds=20)
    first_line(child.output)
    started = time.monotonic()

    await child.stop()

    assert child.exit_status == -signal.SIGTERM
    assert time.monotonic() - started < 5


async def test_a_stubborn_child_is_killed_after_its_grace(tmp_path: Path) -> None:
    child = start(tmp_path, STUBBORN, grace_seconds=0.3)
    first_line(child.output)

    await child.stop()

    assert child.exit_status == -signal.SIGKILL


async def test_the_children_of_a_child_end_with_it(tmp_path: Path) -> None:
    child = start(tmp_path, PARENT)
    grandchild = int(first_line(child.output))
    assert is_running(grandchild)

    await child.stop()

    assert ends_within(5, child.pid, grandchild)


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    program = f"""
import pathlib, time
from services.cli.child import Child, Command
folder = pathlib.Path({str(tmp_path)!r})
print(Child(Command("sample", ("-c", {STUBBORN!r}), {{}}), folder).pid, flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    first_line(tmp_path / "sample.out")

    parent.kill()

    assert ends_within(5, pid)
    parent.wait()
    parent.stdout.close()


def test_a_child_whose_parent_is_gone_does_not_start(tmp_path: Path) -> None:
    launcher = Path("services/cli/launch.py")
    program = f"import pathlib; pathlib.Path({str(tmp_path / 'ran')!r}).touch()"
    command = [sys.executable, str(launcher), str(os.getppid()), "9", sys.executable, "-c", program]

    done = subprocess.run(command, check=False)

    assert done.returncode == 1
    assert not (tmp_path / "ran").exists()
