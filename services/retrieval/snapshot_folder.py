"""A snapshot on disk: the folder `<root>/<digest>/`, read whole and written whole."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from services.retrieval.faiss_index import FaissIndex
from services.retrieval.filters import FilterTable
from services.retrieval.lexical import WordIndex
from services.retrieval.manifest import (
    CREATED,
    MANIFEST,
    Manifest,
    digest_of,
    file_digests,
    is_intact,
    read_manifest,
    verify,
)
from services.retrieval.passage import Document, Passage
from services.retrieval.records import documents_from_lines, documents_to_lines, passages_from_lines, passages_to_lines
from services.retrieval.search import Snapshot
from services.retrieval.words import Segment
from shared.snapshots import SnapshotRefused

_DOCUMENTS = "documents.jsonl"
_PASSAGES = "passages.jsonl"
_VECTORS = "vectors.faiss"
_WORDS = "words"


def load_snapshot(folder: Path, embedder_name: str, embedder_digest: str, segment: Segment) -> Snapshot:
    """Return the snapshot in a folder, every file checked against its manifest.

    Raises SnapshotRefused.
    """
    manifest = read_manifest(folder)
    verify(manifest, folder, embedder_name, embedder_digest)
    documents = documents_from_lines((folder / _DOCUMENTS).read_text())
    passages = passages_from_lines((folder / _PASSAGES).read_text(), documents)
    vectors = FaissIndex.read(folder / _VECTORS)
    if vectors.dimension != manifest.dimension or len(passages) != manifest.passage_count:
        raise SnapshotRefused(f"index {folder.name} does not hold what its manifest says; run: fiducia ingest kb/")
    return Snapshot(
        id=folder.name,
        manifest=manifest,
        passages=passages,
        table=FilterTable(passages),
        vectors=vectors,
        words=WordIndex.read(folder / _WORDS, segment),
        product_ids=frozenset(document.product_id for document in documents) - {""},
    )


def read_vectors(folder: Path) -> tuple[Sequence[Passage], FaissIndex]:
    """Return the passages of a snapshot and their vectors, whose manifest the caller has checked."""
    documents = documents_from_lines((folder / _DOCUMENTS).read_text())
    return passages_from_lines((folder / _PASSAGES).read_text(), documents), FaissIndex.read(folder / _VECTORS)


def write_snapshot(
    root: Path,
    manifest: Manifest,
    documents: Sequence[Document],
    passages: Sequence[Passage],
    vectors: FaissIndex,
    words: WordIndex,
) -> str:
    """Write a snapshot and return its id; the folder appears whole or not at all.

    manifest: complete but for `files`.
    """
    root.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=root))
    try:
        (building / _DOCUMENTS).write_text(documents_to_lines(documents))
        (building / _PASSAGES).write_text(passages_to_lines(passages))
        vectors.write(building / _VECTORS)
        (building / _WORDS).mkdir()
        words.write(building / _WORDS)
        content = replace(manifest, files=file_digests(building)).to_bytes()
        (building / MANIFEST).write_bytes(content)
        (building / CREATED).write_text(f"{datetime.now(UTC).isoformat()}\n")
        # A service may run as another user; mkdtemp lets in its owner only.
        building.chmod(0o755)
        _publish(building, root / digest_of(content))
        return digest_of(content)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _publish(building: Path, folder: Path) -> None:
    """Rename the finished folder into place; an intact one of the same content stays, a damaged one is replaced."""
    if folder.exists():
        if is_intact(folder):
            return
        damaged = building.with_name(f"{building.name}-damaged")
        folder.rename(damaged)
        shutil.rmtree(damaged, ignore_errors=True)
    try:
        building.rename(folder)
    except OSError:
        # Someone else published the same content in this moment.
        if not is_intact(folder):
            raise
