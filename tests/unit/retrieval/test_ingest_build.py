from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from services.retrieval.manifest import EncoderEntry, is_intact, read_manifest
from shared.problems import KnowledgeBaseError
from tests.unit.retrieval.samples import GUIDE, LIBRARY, OTHER_ENCODERS, VTI, CountingEmbedder, builder

EDITED = replace(GUIDE, text=GUIDE.text.replace("Match duration", "Fit duration"))


def embedded(embedder: CountingEmbedder) -> list[str]:
    return sorted(text.splitlines()[-1] for batch in embedder.batches for text in batch)


def test_the_same_documents_give_the_same_digest_anywhere(tmp_path: Path) -> None:
    assert builder(tmp_path / "a").build(LIBRARY) == builder(tmp_path / "b").build(LIBRARY)


def test_a_second_build_of_the_same_documents_loads_no_model(tmp_path: Path) -> None:
    first = builder(tmp_path).build(LIBRARY)
    embedder = CountingEmbedder()

    assert builder(tmp_path, embedder).build(LIBRARY) == first
    assert embedder.batches == []
    assert [folder.name for folder in tmp_path.iterdir()] == [first]


def test_only_changed_passages_are_embedded_again(tmp_path: Path) -> None:
    builder(tmp_path).build(LIBRARY)
    embedder = CountingEmbedder()

    builder(tmp_path, embedder).build([*LIBRARY[:2], EDITED])

    assert embedded(embedder) == ["Fit duration to the horizon."]


def test_a_build_from_reused_vectors_has_the_digest_of_one_from_scratch(tmp_path: Path) -> None:
    builder(tmp_path / "a").build(LIBRARY)

    assert builder(tmp_path / "a").build([VTI, EDITED]) == builder(tmp_path / "b").build([VTI, EDITED])


def test_vectors_of_another_model_and_of_damaged_snapshots_are_not_reused(tmp_path: Path) -> None:
    damaged = builder(tmp_path).build([VTI])
    (tmp_path / damaged / "vectors-0/vectors.npy").write_bytes(b"")
    builder(tmp_path, encoders=OTHER_ENCODERS).build([VTI])
    embedder = CountingEmbedder()

    builder(tmp_path, embedder).build([VTI, GUIDE])

    assert len(embedded(embedder)) == 4


def test_passages_in_a_language_the_embedder_does_not_know_get_no_vector(tmp_path: Path) -> None:
    embedder = CountingEmbedder()

    digest = builder(tmp_path, embedder).build(LIBRARY)

    assert len(embedded(embedder)) == 4
    assert read_manifest(tmp_path / digest).passage_count == 6


def test_a_library_without_a_known_language_still_gives_an_index(tmp_path: Path) -> None:
    digest = builder(tmp_path).build(LIBRARY[:1])

    assert is_intact(tmp_path / digest)


def test_the_manifest_says_what_was_built(tmp_path: Path) -> None:
    manifest = read_manifest(tmp_path / builder(tmp_path).build(LIBRARY))

    assert manifest.encoders == (EncoderEntry("counting", "c" * 64, 64, ("en",)),)
    assert (manifest.document_count, manifest.passage_count) == (3, 6)
    assert set(manifest.files) > {"documents.jsonl", "passages.jsonl", "vectors-0/vectors.npy"}


def test_a_damaged_snapshot_of_the_same_content_is_replaced(tmp_path: Path) -> None:
    digest = builder(tmp_path).build(LIBRARY)
    (tmp_path / digest / "passages.jsonl").write_text("")

    assert builder(tmp_path).build(LIBRARY) == digest
    assert is_intact(tmp_path / digest)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_failed_build_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("services.retrieval.snapshot_folder.file_digests", fail)

    with pytest.raises(OSError, match="disk full"):
        builder(tmp_path).build(LIBRARY)

    assert list(tmp_path.iterdir()) == []


def test_a_document_of_headings_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeBaseError, match="en-duration: has headings and no text"):
        builder(tmp_path).build([replace(GUIDE, text="# One\n## Two")])
