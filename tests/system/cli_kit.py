"""The `fiducia` command as a user starts it: in a folder of its own, with every process it starts marked."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.unit.cli.processes import marked_processes

MARK = "FIDUCIA_TEST_MARK"
# Nothing listens there: text comes from templates at once, and no model is started.
NO_MODEL = "http://127.0.0.1:9/v1"


@dataclass
class Home:
    """Where one test's commands read and write; `model_url` None lets them start a model server of their own."""

    folder: Path
    model_url: str | None = NO_MODEL
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def up_file(self) -> Path:
        return self.folder / "state" / "fiducia" / "up.json"

    @property
    def proposals(self) -> list[Path]:
        return sorted((self.folder / "data" / "fiducia" / "proposals").glob("*.json"))

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FIDUCIA_")}
        model = {} if self.model_url is None else {"FIDUCIA_MODEL_BASE_URL": self.model_url}
        homes = {f"XDG_{name}_HOME": str(self.folder / name.lower()) for name in ("DATA", "STATE")}
        return kept | homes | model | {MARK: self.mark}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "services.cli", *arguments],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run a command to its end; return its exit status and what it printed."""
        with self.start(*arguments) as process:
            text, _ = process.communicate(timeout=600)
        return process.returncode, text

    def left_within(self, seconds: float) -> set[int]:
        """Return the processes of this home that are still there after at most so many seconds."""
        deadline = time.monotonic() + seconds
        while (left := marked_processes(self.mark)) and time.monotonic() < deadline:
            time.sleep(0.1)
        return left

    def read_up(self, seconds: float = 180.0) -> dict[str, Any]:
        """Return what `fiducia up` tells about itself, as soon as it does."""
        deadline = time.monotonic() + seconds
        while not self.up_file.exists():
            assert time.monotonic() < deadline, "fiducia up did not come up"
            time.sleep(0.1)
        told: dict[str, Any] = json.loads(self.up_file.read_text())
        return told


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """Return what the process prints up to the line with these words."""
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if words in line:
            return text
    raise AssertionError(f"it ended without {words!r}:\n{text}")


@contextmanager
def up(home: Home) -> Iterator[subprocess.Popen[str]]:
    """Run `fiducia up` during the block, from when its services answer."""
    process = home.start("up")
    try:
        read_until(process, "In another terminal")
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)
