"""One command at a time over all processes, and no lock that outlives its holder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from services.cli.file_lock import Patience, file_lock

HOLDER = """
import asyncio, pathlib, sys, time
from services.cli.file_lock import Patience, file_lock
async def hold():
    async with file_lock(pathlib.Path(sys.argv[1]), Patience(lambda: None, 1.0, RuntimeError())):
        print("held", flush=True)
        time.sleep(60)
asyncio.run(hold())
"""


async def test_a_lock_held_elsewhere_is_waited_for_with_patience(tmp_path: Path) -> None:
    waits: list[str] = []
    patience = Patience(lambda: waits.append("once"), 0.3, RuntimeError("gave up"))
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / "lock")], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()

        with pytest.raises(RuntimeError, match="gave up"):
            async with file_lock(tmp_path / "lock", patience):
                pass
        holder.kill()

    assert waits == ["once"]


async def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / "lock")], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        holder.kill()

    async with file_lock(tmp_path / "lock", Patience(lambda: None, 2.0, RuntimeError("still held"))):
        pass
