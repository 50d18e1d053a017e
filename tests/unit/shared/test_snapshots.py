"""The pointer to the active snapshot: whole or not there, and never a path of its own."""

from __future__ import annotations

import os
import stat
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.snapshots import (
    SnapshotRefused,
    activate,
    active_digest,
    is_digest,
    pointer_mark,
    replace_file,
    snapshot_folders,
)

A, B = "a" * 64, "b" * 64


def test_the_pointer_names_what_was_activated_last(tmp_path: Path) -> None:
    assert active_digest(tmp_path) is None

    activate(tmp_path, A)
    activate(tmp_path, B)

    assert active_digest(tmp_path) == B
    assert [file.name for file in tmp_path.iterdir()] == ["active"]


def test_activating_makes_the_folder(tmp_path: Path) -> None:
    activate(tmp_path / "new" / "root", A)

    assert active_digest(tmp_path / "new" / "root") == A


@pytest.mark.parametrize("content", [b"", b"../../etc/passwd", b"A" * 64, b"a" * 65, b"\xff" * 64])
def test_a_pointer_that_holds_no_digest_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "active").write_bytes(content)

    with pytest.raises(SnapshotRefused, match=r"active: found .* expected 64 hexadecimal digits; run: fiducia ingest"):
        active_digest(tmp_path)


def test_a_pointer_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "active").mkdir()

    with pytest.raises(SnapshotRefused, match="not readable"):
        active_digest(tmp_path)


def test_the_mark_changes_with_each_activation_of_the_same_snapshot_too(tmp_path: Path) -> None:
    marks = [pointer_mark(tmp_path)]
    for digest in (A, B, B):
        activate(tmp_path, digest)
        marks.append(pointer_mark(tmp_path))

    assert marks[0] is None
    assert all(before != after for before, after in pairwise(marks))
    assert pointer_mark(tmp_path) == marks[-1]


@given(st.text(alphabet="0123456789abcdefABCDEF./\n", max_size=70))
def test_only_64_small_hexadecimal_digits_are_a_digest(text: str) -> None:
    assert is_digest(text) == (len(text) == 64 and set(text) <= set("0123456789abcdef"))


def test_folders_named_like_a_snapshot_are_listed_by_name(tmp_path: Path) -> None:
    for name in (B, A, "f" * 63, ".building-x"):
        (tmp_path / name).mkdir()
    (tmp_path / ("c" * 64)).write_text("no folder")
    activate(tmp_path, A)

    assert snapshot_folders(tmp_path) == [tmp_path / A, tmp_path / B]
    assert snapshot_folders(tmp_path / "absent") == []


def test_a_replaced_file_can_be_read_by_other_users(tmp_path: Path) -> None:
    replace_file(tmp_path / "folder" / "file", b"new")

    assert (tmp_path / "folder" / "file").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "folder" / "file").stat().st_mode) == 0o644


def test_a_reader_that_has_the_old_file_open_goes_on_reading_it(tmp_path: Path) -> None:
    replace_file(tmp_path / "file", b"old")

    with (tmp_path / "file").open("rb") as file:
        replace_file(tmp_path / "file", b"new")

        assert file.read() == b"old"


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError("disk full")

    replace_file(tmp_path / "file", b"old")
    monkeypatch.setattr(os, "fsync", fail)

    with pytest.raises(OSError, match="disk full"):
        replace_file(tmp_path / "file", b"new")

    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("file", b"old")]
