"""A snapshot on disk: the folder `<root>/<digest>/`, read whole and written whole."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from services.retrieval.asked import AskedTable
from services.retrieval.encoder import FoundEncoder
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
from services.retrieval.names import ProductNames
from services.retrieval.passage import Document, Passage
from services.retrieval.records import documents_from_lines, documents_to_lines, passages_from_lines, passages_to_lines
from services.retrieval.snapshot import Snapshot, Space
from services.retrieval.vector_store import FolderStore, VectorStore, vectors_folder
from services.retrieval.words import Segment
from shared.snapshots import SnapshotRefused

DOCUMENTS = "documents.jsonl"
_PASSAGES = "passages.jsonl"
# What word search looks through, each in a folder of this name: passages, the questions that they are known to answer,
# and passages with these questions appended.
WORDS = "words"
ASKED = "asked"
EXPANDED = "expanded"
_FILES = FolderStore()


def load_snapshot(
    folder: Path, encoders: Sequence[FoundEncoder], segment: Segment, store: VectorStore = _FILES
) -> Snapshot:
    """Return the snapshot in a folder, every file checked against its manifest, with its vectors in this store.

    Raises SnapshotRefused, UpstreamUnavailable where the store cannot be reached.
    """
    # First, so that waiting for a store that is down costs little.
    store.reach()
    manifest = read_manifest(folder)
    verify(manifest, folder, encoders)
    documents = read_documents_of(folder)
    passages = _passages(folder, documents)
    spaces = tuple(Space(entry, store.open(folder, number)) for number, entry in enumerate(manifest.encoders))
    sizes = [(space.index.dimension, len(passages)) for space in spaces]
    if sizes != [(entry.dimension, manifest.passage_count) for entry in manifest.encoders]:
        raise SnapshotRefused(f"index {folder.name} does not hold what its manifest says; run: fiducia ingest kb/")
    return Snapshot(
        id=folder.name,
        manifest=manifest,
        passages=passages,
        table=FilterTable(passages),
        spaces=spaces,
        words=WordIndex.read(folder / WORDS, segment),
        asked=AskedTable(passages),
        asked_words=WordIndex.read(folder / ASKED, segment),
        expanded_words=WordIndex.read(folder / EXPANDED, segment),
        names=ProductNames(documents),
    )


def read_documents_of(folder: Path) -> list[Document]:
    """Return the documents of a snapshot whose manifest the caller has checked.

    Raises SnapshotRefused where another version wrote them in a shape that this one cannot read.
    """
    with _shaped(folder, DOCUMENTS):
        return documents_from_lines((folder / DOCUMENTS).read_text())


def read_passages_of(folder: Path) -> tuple[Passage, ...]:
    """Return the passages of a snapshot whose manifest the caller has checked. Raises SnapshotRefused."""
    return _passages(folder, read_documents_of(folder))


def _passages(folder: Path, documents: Sequence[Document]) -> tuple[Passage, ...]:
    with _shaped(folder, _PASSAGES):
        return passages_from_lines((folder / _PASSAGES).read_text(), documents)


@contextmanager
def _shaped(folder: Path, name: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        reason = f"index {folder.name} is refused: {name} has another shape than this version reads"
        raise SnapshotRefused(f"{reason} ({type(error).__name__}: {error}); run: fiducia ingest kb/") from error


def read_vectors(folder: Path, encoder: int) -> tuple[Sequence[Passage], FaissIndex]:
    """Return the passages of a snapshot and their vectors by the manifest's encoder of this number.

    The caller has checked the manifest. Raises SnapshotRefused where the vectors cannot be read.
    """
    return read_passages_of(folder), FaissIndex.read(vectors_folder(folder, encoder))


def write_snapshot(
    root: Path,
    manifest: Manifest,
    documents: Sequence[Document],
    passages: Sequence[Passage],
    vectors: Sequence[FaissIndex],
    words: Mapping[str, WordIndex],
) -> str:
    """Write a snapshot and return its id; the folder appears whole or not at all.

    manifest: complete but for `files`.  vectors: one index for each of the manifest's encoders.
    words: by WORDS, ASKED and EXPANDED.
    """
    root.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=root))
    try:
        (building / DOCUMENTS).write_text(documents_to_lines(documents))
        (building / _PASSAGES).write_text(passages_to_lines(passages))
        for number, vector_index in enumerate(vectors):
            vector_index.write(vectors_folder(building, number))
        for name, index in words.items():
            (building / name).mkdir()
            index.write(building / name)
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
