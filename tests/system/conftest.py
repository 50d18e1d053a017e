"""One model server for all system tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest

from services.model.child import clean_environment, spawn, stop
from services.model.health import served_models

# Ending the requests in flight (30 s), then vLLM (10 s), then what is left.
STOP_SECONDS = 60.0


class RunningModel(NamedTuple):
    """Where a model answers; base_url ends in /v1."""

    base_url: str
    model: str


class ServeProcess(NamedTuple):
    """A `python -m services.model serve` that has reported its server as ready."""

    process: subprocess.Popen[str]
    running: RunningModel


@contextmanager
def serve_process() -> Iterator[ServeProcess]:
    """Start the server on a free port as a user would, and end it after the block; the first time prepares it."""
    command = [sys.executable, "-m", "services.model", "serve", "--port", "0", "--json"]
    # Without PYTHONSAFEPATH, which would hide the services in the working folder.
    environment = {name: value for name, value in clean_environment().items() if name != "PYTHONSAFEPATH"}
    process = spawn(command, environment | {"FIDUCIA_MODEL_BASE_URL": ""}, subprocess.PIPE)
    try:
        yield ServeProcess(process, _await_ready(process))
    finally:
        stop(process, STOP_SECONDS)


@pytest.fixture(scope="session")
def model_server() -> Iterator[RunningModel]:
    """Yield the server named by FIDUCIA_MODEL_BASE_URL, else one started for this session (a minute, when prepared)."""
    base_url = os.environ.get("FIDUCIA_MODEL_BASE_URL")
    if base_url:
        yield RunningModel(base_url, served_models(base_url)[0])
        return
    with serve_process() as started:
        yield started.running


def _await_ready(process: subprocess.Popen[str]) -> RunningModel:
    assert process.stdout is not None
    details: dict[str, str] = {}
    for line in process.stdout:
        event = json.loads(line)
        details[event["event"]] = event["detail"]
        if event["event"] == "server.ready":
            return RunningModel(details["server.ready"], details["server.model"])
    raise AssertionError(details.get("error", "the model server ended without a word"))
