from __future__ import annotations

import sys

import pytest

from services.retrieval.formats.apart import Apart
from services.retrieval.formats.extract import Unreadable
from tests.unit.retrieval import files

# Runs the real process with one of its parsers replaced.
_WITH = """
import sys
from services.retrieval.formats import child, read
from services.retrieval.formats.extract import Extract
def parse(data, charset):
    {body}
read._READERS[".csv"] = parse
child.main(int(sys.argv[1]))
"""


def parsing_by(body: str) -> tuple[str, ...]:
    return (sys.executable, "-c", _WITH.format(body=body))


def test_files_are_parsed_one_after_the_other_in_one_process() -> None:
    with Apart() as apart:
        first = apart.extract("# 甲\n\nwords \U0001f600".encode(), ".md")
        pages = apart.extract(files.drawn_pdf([[(100, 700, "One.")], [(100, 700, "Two.")]]), ".pdf").pages

    assert first.text == "# 甲\n\nwords \U0001f600"
    assert pages == (0, 6)


def test_a_refusal_comes_back_as_it_was_raised() -> None:
    with Apart() as apart, pytest.raises(Unreadable, match="is no PDF"):
        apart.extract(b"nothing", ".pdf")


def test_a_parser_that_takes_too_long_is_stopped_and_the_next_file_is_read() -> None:
    slow = parsing_by("import time; time.sleep(600)")

    with Apart(seconds=0.2, command=slow) as apart, pytest.raises(Unreadable, match=r"longer than 0\.2 seconds"):
        apart.extract(b"x", ".csv")


def test_a_parser_that_crashes_is_started_again() -> None:
    crashing = parsing_by("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")

    with Apart(command=crashing) as apart:
        with pytest.raises(Unreadable, match="made its parser fail"):
            apart.extract(b"x", ".csv")
        after = apart.extract(b"words", ".md")

    assert after.text == "words"


def test_a_parser_gets_a_bounded_memory() -> None:
    greedy = parsing_by("return Extract(str(len(bytearray(3 << 30))))")

    with Apart(command=greedy) as apart, pytest.raises(Unreadable, match="needs more memory"):
        apart.extract(b"x", ".csv")


def test_a_parser_cannot_write_files_and_sees_no_settings(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "secret")
    writing = parsing_by(f"open('{tmp_path}/x', 'w', buffering=1).write('line\\n'); return Extract('done')")
    telling = parsing_by("import os; return Extract(' '.join(os.environ))")

    with Apart(command=writing) as apart, pytest.raises(Unreadable, match="File too large"):
        apart.extract(b"x", ".csv")
    with Apart(command=telling) as apart:
        seen = apart.extract(b"x", ".csv").text

    assert "API_KEY" not in seen.split()
