from __future__ import annotations

from pathlib import Path

import pytest

from services.retrieval.on_disk import is_held, kept_documents
from services.retrieval.snapshot_folder import load_snapshot
from shared.snapshots import SnapshotRefused
from tests.unit.retrieval.samples import ENCODERS, GUIDE, LIBRARY, VTI, builder, by_character


def test_documents_are_read_though_another_version_cut_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / builder(tmp_path).build(LIBRARY)
    monkeypatch.setattr("services.retrieval.manifest.CHUNKER_VERSION", "sections-next")
    with pytest.raises(SnapshotRefused, match="another version"):
        load_snapshot(folder, ENCODERS, by_character)

    documents = kept_documents(folder)

    assert tuple(documents) == LIBRARY


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("manifest.json", None, "cannot be read"),
        ("documents.jsonl", None, "cannot be read"),
        ("manifest.json", "[]", "has a manifest of another shape"),
        ("manifest.json", '{"files": {}}', "has a manifest of another shape"),
        ("documents.jsonl", "", "the documents of index .* were changed"),
    ],
)
def test_documents_that_are_damaged_are_refused_with_the_reason(
    name: str, content: str | None, reason: str, tmp_path: Path
) -> None:
    folder = tmp_path / builder(tmp_path).build(LIBRARY)
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_text(content)

    with pytest.raises(SnapshotRefused, match=reason):
        kept_documents(folder)


def test_a_manifest_that_was_changed_vouches_for_no_document(tmp_path: Path) -> None:
    folder = tmp_path / builder(tmp_path).build(LIBRARY)
    (folder / "manifest.json").write_text((folder / "manifest.json").read_text() + "\n")

    with pytest.raises(SnapshotRefused, match="were changed"):
        kept_documents(folder)


def test_a_document_is_held_by_any_snapshot_that_can_be_read(tmp_path: Path) -> None:
    builder(tmp_path).build([VTI])
    damaged = tmp_path / builder(tmp_path).build([GUIDE])
    (damaged / "documents.jsonl").write_text("")

    held = [is_held(tmp_path, document.id) for document in (VTI, GUIDE)]

    assert held == [True, False]
