from __future__ import annotations

from pathlib import Path

import pytest

from services.retrieval.locked import IMPORT_LOCK, WRITE_LOCK
from services.retrieval.sweep import sweep
from services.retrieval.upload import uploading
from shared.snapshots import ACTIVE, activate

DIGEST = "a" * 64


@pytest.mark.parametrize("name", [".building-x1", ".import-x1", f".removed-{DIGEST}"])
def test_a_folder_that_a_killed_process_left_goes_with_all_it_holds(name: str, tmp_path: Path) -> None:
    (tmp_path / name / "files").mkdir(parents=True)
    (tmp_path / name / "files" / "a.md").write_text("words")

    sweep(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == [WRITE_LOCK]


def test_a_file_that_was_never_put_in_its_place_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as killed:
        killed.setattr(Path, "unlink", lambda *_, **__: None)
        killed.setattr(Path, "replace", _killed)
        with pytest.raises(KeyboardInterrupt):
            activate(tmp_path, DIGEST)
    assert len(list(tmp_path.iterdir())) == 1

    sweep(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == [WRITE_LOCK]


def test_what_no_killed_process_left_stays(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    root = tmp_path / "index"
    for folder in (outside, root / DIGEST, root / ".folder_1"):
        folder.mkdir(parents=True)
    for file in (outside / "a.md", root / ACTIVE, root / IMPORT_LOCK, root / WRITE_LOCK, root / ".building-file"):
        file.write_text("words")
    (root / ".import-link").symlink_to(outside)
    before = sorted(root.iterdir())

    sweep(root)

    assert sorted(root.iterdir()) == before
    assert (outside / "a.md").exists()


def test_an_upload_begins_and_ends_in_a_swept_folder(tmp_path: Path) -> None:
    (tmp_path / ".import-killed").mkdir()

    with uploading(tmp_path) as upload:
        begun = [path.name for path in tmp_path.glob(".import-*")]

    assert begun == [upload.files.parent.name]
    assert list(tmp_path.glob(".import-*")) == []


def _killed(*_: object) -> None:
    raise KeyboardInterrupt
