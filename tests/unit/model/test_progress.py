"""Progress can be read by a person and by a program, and one builder works at a time."""

from __future__ import annotations

import fcntl
import io
import json
import threading
from pathlib import Path

import pytest

from services.model.cache import cache_folder, one_builder
from services.model.progress import human_lines, json_lines, silent


def test_a_json_event_is_one_object_on_a_line() -> None:
    stream = io.StringIO()

    json_lines(stream)("server.ready", "http://127.0.0.1:8811/v1")

    event = json.loads(stream.getvalue())
    assert event["event"] == "server.ready"
    assert event["detail"] == "http://127.0.0.1:8811/v1"
    assert 0 <= event["seconds"] < 1


def test_a_human_line_names_the_event_in_words() -> None:
    stream = io.StringIO()

    human_lines(stream)("weights.start", "fetching")

    assert stream.getvalue().endswith("weights start: fetching\n")


def test_the_cache_follows_xdg_cache_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    assert cache_folder() == tmp_path.resolve() / "fiducia"


def test_a_second_builder_says_that_it_waits_and_then_goes_on(tmp_path: Path) -> None:
    waiting = threading.Event()
    done = threading.Event()

    def build() -> None:
        with one_builder(tmp_path / "lock", lambda event, detail: waiting.set(), "environment.waiting"):
            done.set()

    second = threading.Thread(target=build)
    with one_builder(tmp_path / "lock", silent, "environment.waiting"):
        second.start()
        assert waiting.wait(5)
        assert not done.is_set()
    second.join(5)

    assert done.is_set()
    with (tmp_path / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
