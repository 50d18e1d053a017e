"""`fiducia` leaves no process behind, however it ends, and names a service that dies."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.system.cli_kit import Home, read_until, up

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]

FAMILY = "examples/clients/family-us.yaml"
SERVICES = {"retrieval", "optimizer", "advice", "orchestrator"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that the tests of this module share, so that the index is built once."""
    return tmp_path_factory.mktemp("home")


@pytest.mark.parametrize(
    "moment", ["What this takes", "reading the knowledge base", "starting the services", "Services", "Allocation"]
)
def test_ctrl_c_at_any_moment_leaves_no_process(folder: Path, moment: str) -> None:
    home = Home(folder)
    process = home.start("advise", FAMILY)
    read_until(process, moment)

    process.send_signal(signal.SIGINT)

    text, _ = process.communicate(timeout=60)
    assert process.returncode == 130, text
    assert "Traceback" not in text
    assert home.left_within(1.0) == set()


def test_ctrl_c_while_the_model_server_starts_leaves_no_process(folder: Path) -> None:
    home = Home(folder, model_url=None)
    process = home.start("advise", FAMILY)
    read_until(process, "waiting for the model")

    process.send_signal(signal.SIGINT)

    text, _ = process.communicate(timeout=120)
    assert process.returncode == 130, text
    assert home.left_within(1.0) == set()


def test_killing_the_keeper_leaves_no_process(folder: Path) -> None:
    home = Home(folder)
    with up(home) as process:
        assert set(home.read_up()["pids"]) == SERVICES

        process.kill()

        assert home.left_within(15.0) == set()


def test_sigterm_is_the_ordinary_end_of_up(folder: Path) -> None:
    home = Home(folder)
    with up(home) as process:
        process.terminate()

        text, _ = process.communicate(timeout=120)

    assert process.returncode == 0, text
    assert not home.up_file.exists()
    assert home.left_within(1.0) == set()


def test_a_service_that_dies_is_named_with_the_end_of_its_log(folder: Path) -> None:
    home = Home(folder)
    with up(home) as process:
        os.kill(home.read_up()["pids"]["optimizer"], signal.SIGKILL)

        text, _ = process.communicate(timeout=120)

    assert process.returncode == 3
    assert "optimizer ended with exit status -9" in text
    assert "serving" in text
    assert "Traceback" not in text
    assert home.left_within(1.0) == set()


def test_a_second_up_is_refused(folder: Path) -> None:
    home = Home(folder)
    with up(home):
        status, text = home.run("up")

    assert status == 2
    assert "the services run already" in text
