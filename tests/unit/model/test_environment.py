"""The model server's environment is built once per lock, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from services.model.environment import (
    LOCK,
    MARKER,
    environment_folder,
    is_complete,
    lock_digest,
    prepare_environment,
    requirements,
)
from services.model.errors import ModelServerError
from services.model.progress import silent


class FakePip:
    """Obeys Runner: makes an empty python for `venv` and says what pip says, or fails as `failure`."""

    def __init__(self, failure: BaseException | None = None) -> None:
        self.commands: list[list[str]] = []
        self._failure = failure

    def __call__(self, command: Sequence[str], on_line: Callable[[str], None] | None = None) -> None:
        self.commands.append(list(command))
        if "venv" in command:
            python = Path(command[-1]) / "bin" / "python"
            python.parent.mkdir(parents=True)
            python.touch()
            return
        if self._failure is not None:
            raise self._failure
        assert on_line is not None
        for number in range(25):
            on_line(f"Collecting package-{number}==1.0")
        on_line("Installing collected packages: package-0")


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "lock.txt"
    path.write_text("# how to install\ntorch==2.13.0+cpu\nvllm-cpu==0.32.0\n")
    return path


def test_a_second_call_installs_nothing(tmp_path: Path, lock: Path) -> None:
    first, second = FakePip(), FakePip()
    prepare_environment(tmp_path, silent, lock, first)

    python = prepare_environment(tmp_path, silent, lock, second)

    assert python == environment_folder(tmp_path, lock) / "bin" / "python"
    assert len(first.commands) == 2
    assert second.commands == []


def test_pip_installs_the_lock_without_resolving(tmp_path: Path, lock: Path) -> None:
    pip = FakePip()

    prepare_environment(tmp_path, silent, lock, pip)

    assert pip.commands[1][1:5] == ["-m", "pip", "install", "--no-deps"]
    assert pip.commands[1][-2:] == ["-r", str(lock)]


def test_a_half_built_environment_is_built_anew(tmp_path: Path, lock: Path) -> None:
    folder = environment_folder(tmp_path, lock)
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").touch()
    (folder / "left_over").touch()

    prepare_environment(tmp_path, silent, lock, FakePip())

    assert is_complete(folder, lock)
    assert not (folder / "left_over").exists()


@pytest.mark.parametrize("failure", [ModelServerError("no torch"), KeyboardInterrupt()])
def test_a_failed_or_interrupted_build_leaves_nothing(tmp_path: Path, lock: Path, failure: BaseException) -> None:
    with pytest.raises(type(failure)):
        prepare_environment(tmp_path, silent, lock, FakePip(failure))

    assert not environment_folder(tmp_path, lock).exists()


@pytest.mark.parametrize("marker", ["", "{", json.dumps({"lock_sha256": "other"}), json.dumps({})])
def test_a_marker_that_names_another_lock_does_not_count(tmp_path: Path, lock: Path, marker: str) -> None:
    prepare_environment(tmp_path, silent, lock, FakePip())
    folder = environment_folder(tmp_path, lock)

    (folder / MARKER).write_text(marker)

    assert not is_complete(folder, lock)


def test_an_environment_whose_python_was_removed_is_incomplete(tmp_path: Path, lock: Path) -> None:
    python = prepare_environment(tmp_path, silent, lock, FakePip())

    python.unlink()

    assert not is_complete(environment_folder(tmp_path, lock), lock)


def test_the_folder_follows_the_requirements_and_not_the_comments(tmp_path: Path, lock: Path) -> None:
    before = lock_digest(lock)

    lock.write_text("torch==2.13.0+cpu  # the CPU build\n\nvllm-cpu==0.32.0\n")
    assert lock_digest(lock) == before

    lock.write_text("torch==2.13.0+cpu\nvllm-cpu==0.33.0\n")
    assert lock_digest(lock) != before


def test_progress_counts_the_packages(tmp_path: Path, lock: Path) -> None:
    events: list[tuple[str, str]] = []

    prepare_environment(tmp_path, lambda event, detail: events.append((event, detail)), lock, FakePip())

    names = [event for event, _ in events]
    assert names == ["environment.start", "environment.progress", "environment.progress", "environment.ready"]
    assert "25 of 2 packages" in events[1][1]


def test_the_shipped_locks_pin_every_package_exactly() -> None:
    for lock in LOCK.parent.glob("*.txt"):
        assert [line for line in requirements(lock) if line.count("==") != 1] == []
    assert "torch==2.13.0+cpu" in requirements(LOCK)
