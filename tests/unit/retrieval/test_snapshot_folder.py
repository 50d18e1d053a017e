from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.retrieval.listing import Listed, list_snapshots, page_after
from services.retrieval.manifest import read_manifest
from services.retrieval.records import documents_from_lines, documents_to_lines
from services.retrieval.snapshot_folder import load_snapshot
from shared.snapshots import SnapshotRefused, activate
from tests.unit.retrieval.samples import ENCODERS, GUIDE, LIBRARY, OTHER_ENCODERS, VTI, builder, by_character


def load(folder: Path) -> None:
    load_snapshot(folder, ENCODERS, by_character)


def test_a_snapshot_holds_the_documents_it_was_built_from(tmp_path: Path) -> None:
    digest = builder(tmp_path).build(LIBRARY)

    snapshot = load_snapshot(tmp_path / digest, ENCODERS, by_character)

    assert snapshot.id == digest
    assert {passage.document for passage in snapshot.passages} == set(LIBRARY)
    assert snapshot.names.named("VTI and 510300") == {"VTI", "510300"}


def test_documents_are_the_same_after_writing_and_reading() -> None:
    assert tuple(documents_from_lines(documents_to_lines(LIBRARY))) == LIBRARY


def test_an_index_of_another_embedding_model_is_refused_with_both_names(tmp_path: Path) -> None:
    folder = tmp_path / builder(tmp_path, encoders=OTHER_ENCODERS).build(LIBRARY)

    with pytest.raises(SnapshotRefused, match=r"made with the encoders other .* runs counting .* fiducia ingest"):
        load(folder)


@pytest.mark.parametrize(
    "name", ["passages.jsonl", "documents.jsonl", "vectors-0/vectors.npy", "words/vocab.index.json"]
)
def test_a_changed_file_is_refused_by_name(name: str, tmp_path: Path) -> None:
    folder = tmp_path / builder(tmp_path).build(LIBRARY)
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)

    with pytest.raises(SnapshotRefused, match=name):
        load(folder)


def test_a_missing_and_an_added_file_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / builder(tmp_path).build(LIBRARY)
    (folder / "passages.jsonl").rename(folder / "extra.jsonl")

    with pytest.raises(SnapshotRefused, match=r"extra\.jsonl, passages\.jsonl"):
        load(folder)


def test_a_changed_manifest_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / builder(tmp_path).build(LIBRARY)
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace(ENCODERS[0].digest, OTHER_ENCODERS[0].digest))

    with pytest.raises(SnapshotRefused, match="it was changed"):
        load(folder)


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SnapshotRefused, match="cannot be read"):
        load(tmp_path / ("0" * 64))


def test_an_index_cut_by_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / builder(tmp_path).build(LIBRARY)
    monkeypatch.setattr("services.retrieval.manifest.CHUNKER_VERSION", "sections-next")

    with pytest.raises(SnapshotRefused, match="another version"):
        load(folder)


def test_snapshots_are_listed_newest_first_and_damaged_ones_left_out(tmp_path: Path) -> None:
    first, second, third = (builder(tmp_path).build(documents) for documents in ([GUIDE], [VTI], LIBRARY))
    for number, digest in enumerate((first, second, third)):
        (tmp_path / digest / "created").write_text(datetime(2026, 11, 1 + number, tzinfo=UTC).isoformat())
    (tmp_path / second / "manifest.json").write_text("{}")
    activate(tmp_path, first)

    found = list_snapshots(tmp_path)

    assert [(entry.id, entry.active) for entry in found] == [(third, False), (first, True)]


def test_a_broken_pointer_leaves_the_list_without_an_active_one(tmp_path: Path) -> None:
    digest = builder(tmp_path).build([GUIDE])
    activate(tmp_path, "../etc")

    found = list_snapshots(tmp_path)

    assert [(entry.id, entry.active) for entry in found] == [(digest, False)]


def test_pages_follow_each_other_and_end(tmp_path: Path) -> None:
    manifest = read_manifest(tmp_path / builder(tmp_path).build(LIBRARY))
    listed = [Listed(str(number), False, datetime(2026, 11, 1, tzinfo=UTC), manifest) for number in range(5)]

    pages: list[list[str]] = []
    last_id = ""
    while not pages or last_id:
        page, last_id = page_after(listed, last_id, 2)
        pages.append([entry.id for entry in page])

    assert pages == [["0", "1"], ["2", "3"], ["4"]]


def test_a_page_after_a_snapshot_that_is_gone_is_an_error() -> None:
    with pytest.raises(KeyError):
        page_after([], "a" * 64, 2)
