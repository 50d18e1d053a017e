"""The file that tells other commands what runs; what a run takes; an orderly end by a signal."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from services.cli.interrupt import run_interruptible
from services.cli.run_cost import privacy, run_cost
from services.cli.running import Running, read_running, remove_running, running_file, write_running
from services.cli.settings import CliSettings


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def running(pid: int) -> Running:
    return Running(os.getpid(), {"orchestrator": "127.0.0.1:1"}, {"orchestrator": pid}, "data", "kb")


def ended_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_what_is_written_is_read() -> None:
    write_running(running(os.getpid()))

    assert read_running() == running(os.getpid())


def test_services_that_have_ended_do_not_run() -> None:
    write_running(running(ended_pid()))

    assert read_running() is None


def test_a_missing_model_server_does_not_count() -> None:
    pids = {"orchestrator": os.getpid(), "model": ended_pid()}
    write_running(Running(os.getpid(), {}, pids, "data", "kb"))

    assert read_running() is not None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}'])
def test_a_file_that_cannot_be_read_counts_as_nothing(text: str) -> None:
    running_file().parent.mkdir(parents=True, exist_ok=True)
    running_file().write_text(text)

    assert read_running() is None


def test_only_its_own_file_is_removed() -> None:
    write_running(running(os.getpid()))

    remove_running(os.getpid() + 1)
    assert running_file().exists()
    remove_running(os.getpid())
    assert not running_file().exists()


def test_the_first_run_tells_its_download(tmp_path: Path) -> None:
    text = run_cost(CliSettings(model_base_url=None, model_name="embedded"), tmp_path, is_running=False)

    assert "First run on this machine" in text
    assert "GB are downloaded" in text


def test_a_later_run_needs_no_network(tmp_path: Path) -> None:
    for file in ("model-server-1/complete.json", "models/m/manifest.json"):
        (tmp_path / file).parent.mkdir(parents=True)
        (tmp_path / file).touch()

    assert "no network" in run_cost(CliSettings(model_base_url=None, model_name="embedded"), tmp_path, is_running=False)


@pytest.mark.parametrize("url", [None, "http://127.0.0.1:8000/v1", "http://localhost:8000/v1"])
def test_a_model_on_this_machine_sees_nothing_leave(url: str | None) -> None:
    assert privacy(CliSettings(model_base_url=url)).startswith("Nothing about the client leaves this machine")


def test_a_model_elsewhere_is_said() -> None:
    text = privacy(CliSettings(model_base_url="http://gpu.example:8000/v1"))

    assert "are sent to the model server at gpu.example" in text


def test_the_status_of_a_command_is_returned() -> None:
    async def command() -> int:
        return 7

    assert run_interruptible(command()) == 7


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_command_in_order(number: signal.Signals, status: int) -> None:
    cleaned = []

    async def command() -> int:
        try:
            os.kill(os.getpid(), number)
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            cleaned.append(True)
        return 0

    assert run_interruptible(command()) == status
    assert cleaned == [True]


def test_sigterm_is_the_ordinary_end_of_a_command_that_only_keeps_running() -> None:
    async def command() -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(60)
        return 0

    assert run_interruptible(command(), ends_by_sigterm=True) == 0


def test_a_library_that_ends_the_program_still_lets_it_clean_up() -> None:
    cleaned = []

    async def command() -> int:
        try:
            raise SystemExit(1)
        finally:
            await asyncio.sleep(0)
            cleaned.append(True)

    assert run_interruptible(command()) == 1
    assert cleaned == [True]
