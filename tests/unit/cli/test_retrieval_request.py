"""The options of the retrieval commands as requests, and the files that an import sends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fiducia.retrieval.v1 import import_pb2, passage_pb2
from fiducia.type.v1 import risk_pb2
from google.type.date_pb2 import Date
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from services.cli import retrieval_files
from services.cli.__main__ import app
from services.cli.errors import CliError
from services.cli.retrieval_files import ENDINGS, LARGEST_FILE, LONGEST_NAME, LeftOut, Sent, find_files
from services.cli.retrieval_request import ImportOptions, SearchOptions, import_plan, search_request
from services.cli.retrieval_upload import PART_BYTES, messages
from services.cli.snapshot_names import digest_of
from services.retrieval import parse_import
from services.retrieval.formats import limits
from services.retrieval.formats.read import SUFFIXES

DIGESTS = ["abcdef12" + "0" * 56, "abcdef34" + "0" * 56]
PLAN = import_pb2.ImportPlan(collection="notes")


def problems(caught: pytest.ExceptionInfo[CliError]) -> list[str]:
    return [problem.field for problem in caught.value.problems]


def write(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("# Words\n\nMore words.\n")
    return folder


def names(*paths: Path) -> list[str]:
    return [one.name for one in find_files(paths).sent]


def test_options_become_a_filter_in_the_words_of_the_contract() -> None:
    request = search_request(
        SearchOptions("fees?", 3, ["en"], ["VTI"], ["us_bond"], ["r3"], ["us"], ["Guide"], "2026-11-22", True)
    )

    assert request.filter.risk_levels == [risk_pb2.RISK_LEVEL_R3]
    assert request.filter.jurisdictions == ["US"]
    assert request.filter.kinds == [passage_pb2.DOCUMENT_KIND_GUIDE]
    assert request.as_of == Date(year=2026, month=11, day=22)
    assert request.HasField("min_relevance")


def test_without_options_the_service_decides_day_and_relevance() -> None:
    request = search_request(SearchOptions("fees?", 5))

    assert not request.HasField("as_of")
    assert not request.HasField("min_relevance")


def test_every_option_that_cannot_be_is_told_at_once() -> None:
    with pytest.raises(CliError) as caught:
        search_request(SearchOptions(" ", 5, risk_levels=["R6"], kinds=["leaflet"], as_of="22.11.2026"))

    assert problems(caught) == ["QUESTION", "--risk-level", "--kind", "--as-of"]


def test_what_an_import_assumes_goes_into_its_plan() -> None:
    plan = import_plan(ImportOptions([], "notes", replace=True, activate=False, trust="Issuer", jurisdictions=["cn"]))

    assert plan.mode == import_pb2.IMPORT_MODE_REPLACE
    assert not plan.activate
    assert plan.defaults.trust == passage_pb2.TRUST_LEVEL_ISSUER
    assert plan.defaults.jurisdictions == ["CN"]
    with pytest.raises(CliError) as caught:
        import_plan(ImportOptions([], "notes", trust="high"))
    assert problems(caught) == ["--trust"]


@pytest.mark.parametrize("name", ["abcdef12", "ABCDEF12", DIGESTS[0]])
def test_a_snapshot_is_known_by_its_first_digits(name: str) -> None:
    assert digest_of(name, DIGESTS, "fiducia index list") == DIGESTS[0]


@pytest.mark.parametrize(("name", "why"), [("abcdef", "several"), ("abc", "several"), ("123456", "names no")])
def test_a_name_of_no_or_several_snapshots_is_refused(name: str, why: str) -> None:
    with pytest.raises(CliError, match=why):
        digest_of(name, DIGESTS, "fiducia index list")


def test_the_command_knows_what_the_service_takes() -> None:
    assert sorted(ENDINGS) == sorted(SUFFIXES)
    assert (LARGEST_FILE, LONGEST_NAME) == (limits.LARGEST_FILE, parse_import.LONGEST_PATH)
    assert PART_BYTES == parse_import.LARGEST_PART


def test_a_folder_is_sent_in_the_order_of_names_each_sidecar_behind_its_document(tmp_path: Path) -> None:
    write(tmp_path, "b.md", "a/z.PDF", "a/z.PDF.yaml", "a/y.csv", ".hidden.md", ".git/x.md")

    assert names(tmp_path) == ["a/y.csv", "a/z.PDF", "a/z.PDF.yaml", "b.md"]


def test_links_and_unknown_formats_of_a_folder_are_passed_over_with_a_word(tmp_path: Path) -> None:
    inside = write(tmp_path / "in", "a.md", "notes.xlsx", "gone.pdf.yaml")
    outside = write(tmp_path / "out", "b.md")
    (inside / "file.md").symlink_to(outside / "b.md")
    (inside / "folder").symlink_to(outside)
    (inside / "dangling.md").symlink_to(tmp_path / "nowhere")

    found = find_files([inside])

    assert [one.name for one in found.sent] == ["a.md"]
    links = {"dangling.md", "file.md", "folder"}
    assert {one.name for one in found.left_out} == {*links, "gone.pdf.yaml", "notes.xlsx"}
    assert not any(one.is_fault for one in found.left_out)


def test_a_document_is_not_sent_without_what_stands_beside_it(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "b.md")
    (tmp_path / "a.md.yaml").symlink_to(tmp_path / "b.md")

    found = find_files([tmp_path])

    assert [one.name for one in found.sent] == ["b.md"]
    reason = "a.md.yaml is a symbolic link, which is not followed"
    assert found.left_out == (LeftOut("a.md", reason, is_fault=True),)


def test_a_name_may_have_any_space_and_any_script(tmp_path: Path) -> None:
    write(tmp_path, "基金\u3000概要.md", "one\u00a0two.md")

    assert names(tmp_path) == ["one\u00a0two.md", "基金\u3000概要.md"]


def test_what_is_named_is_meant(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "notes.xlsx", ".hidden.md")
    (tmp_path / "link.md").symlink_to(tmp_path / "a.md")

    found = find_files([tmp_path / "link.md", tmp_path / "notes.xlsx", tmp_path / ".hidden.md"])

    assert [one.name for one in found.sent] == ["link.md"]
    assert [(one.name, one.is_fault) for one in found.left_out] == [("notes.xlsx", True), (".hidden.md", True)]


def test_all_files_of_a_folder_named_one_by_one_are_sent_once(tmp_path: Path) -> None:
    write(tmp_path, "a.pdf", "a.pdf.yaml", "b.md")

    assert names(*sorted(tmp_path.iterdir()), tmp_path) == ["a.pdf", "a.pdf.yaml", "b.md"]


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "one/a.md", "two/a.md")

    with pytest.raises(CliError) as caught:
        find_files([tmp_path / "one", tmp_path / "two"])

    assert problems(caught) == ["a.md"]


def test_paths_that_do_not_exist_are_all_told(tmp_path: Path) -> None:
    with pytest.raises(CliError) as caught:
        find_files([tmp_path / "x", tmp_path, tmp_path / "y"])

    assert problems(caught) == [str(tmp_path / "x"), str(tmp_path / "y")]


def test_a_file_that_the_service_would_refuse_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "a.md", "b\x1b.md")
    (tmp_path / "large.md").write_bytes(bytes(20 * 1024))
    (tmp_path / os.fsdecode(b"\xff.md")).write_text("x")
    os.mkfifo(tmp_path / "pipe.md")
    monkeypatch.setattr(retrieval_files, "LARGEST_FILE", 10 * 1024)

    found = find_files([tmp_path])

    assert [one.name for one in found.sent] == ["a.md"]
    faults = {one.name for one in found.left_out if one.is_fault}
    assert faults == {"b\x1b.md", "large.md", os.fsdecode(b"\xff.md")}
    assert [one.name for one in found.left_out if not one.is_fault] == ["pipe.md"]


@given(st.integers(0, 3 * PART_BYTES))
def test_a_file_arrives_whole_in_parts_of_at_most_a_mebibyte(size: int) -> None:
    class Content(type(Path())):  # type: ignore[misc]
        def read_bytes(self) -> bytes:
            return bytes(size)

    first, *rest = messages(PLAN, [Sent("a.md", Content("a.md"))], [])

    parts = [rest[0].document.content, *(message.more for message in rest[1:])]
    assert first.plan == PLAN
    assert sum(map(len, parts)) == size
    assert all(0 < len(part) <= PART_BYTES for part in parts[1:])
    assert len(parts[0]) == min(size, PART_BYTES)


def test_a_file_that_goes_away_is_left_out_and_the_rest_is_sent(tmp_path: Path) -> None:
    write(tmp_path, "b.md")
    left_out: list[LeftOut] = []

    sent = [Sent("a.md", tmp_path / "a.md"), Sent("b.md", tmp_path / "b.md")]
    _, *documents = messages(PLAN, sent, left_out)

    assert [message.document.path for message in documents] == ["b.md"]
    assert [(one.name, one.is_fault) for one in left_out] == [("a.md", True)]


@pytest.mark.parametrize("command", ["list", "activate", "documents", "quarantine", "release", "import"])
def test_every_command_has_an_example_in_its_help(command: str) -> None:
    done = CliRunner().invoke(app, ["index", command, "--help"])

    assert done.exit_code == 0
    assert f"fiducia index {command}" in done.output
