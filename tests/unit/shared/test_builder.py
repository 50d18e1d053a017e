"""What a builder prints and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shared.builder import exit_status, tell
from shared.problems import KnowledgeBaseError, Problem
from shared.snapshots import SnapshotRefused

OUT = Path("out")


class ModelMissing(Exception):
    pass


def failing(error: Exception) -> object:
    raise error


def test_an_event_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    tell("done", {"digest": "a" * 64, "products": 2})

    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {"event": "done", "digest": "a" * 64, "products": 2}


def test_a_build_that_succeeds_prints_no_problem(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_status(lambda: None, OUT) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("error", "printed"),
    [
        (KnowledgeBaseError([Problem("a", "b", "c"), Problem("d", "", "e")]), "a: b: c\nd: e\n"),
        (SnapshotRefused("out/active: found ''"), "out/active: found ''\n"),
        (ModelMissing("no model here"), "no model here\n"),
        (OSError("disk full"), "out: cannot be written: disk full; free space or name another folder\n"),
    ],
)
def test_a_refusal_ends_with_status_2_and_its_problems_on_standard_error(
    error: Exception, printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = exit_status(lambda: failing(error), OUT, (ModelMissing,))

    told = capsys.readouterr()
    assert (status, told.err, told.out) == (2, printed, "")


def test_a_bug_surfaces_as_one() -> None:
    with pytest.raises(KeyError):
        exit_status(lambda: failing(KeyError("bug")), OUT)
