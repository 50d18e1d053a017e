"""Vectors for passages: those of earlier snapshots where the words are the same, new ones for the rest."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.retrieval.chunk import TokenCounter
from services.retrieval.manifest import is_intact, read_manifest
from services.retrieval.passage import Passage
from services.retrieval.snapshot_folder import read_vectors
from shared.snapshots import SnapshotRefused, snapshot_folders

log = logging.getLogger(__name__)

Vector = NDArray[np.float32]
# Small enough that progress is seen, large enough for a GPU to be busy.
_GROUP = 32


class DocumentEmbedder(TokenCounter, Protocol):
    """What turns passages into vectors."""

    @property
    def dimension(self) -> int:
        """Return the length of a vector."""

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return vectors of length one, (texts, dimension)."""


def known_vectors(root: Path, embedder_digest: str, wanted: Set[str]) -> dict[str, Vector]:
    """Return the vectors that intact snapshots of this embedder hold for the wanted text digests."""
    known: dict[str, Vector] = {}
    # In a fixed order: where two snapshots hold a vector for the same text, every run takes the same one.
    for folder in snapshot_folders(root):
        if len(known) == len(wanted):
            break
        for key, vector in _vectors_of(folder, embedder_digest):
            if key in wanted:
                known.setdefault(key, vector)
    return known


def text_digest(passage: Passage) -> str:
    """Return the SHA-256 in hexadecimal of what the embedder sees."""
    return hashlib.sha256(passage.embedding_text.encode()).hexdigest()


def embed(
    embedder: DocumentEmbedder, passages: Sequence[Passage], workers: int, tell: Callable[[int, int], None]
) -> dict[str, Vector]:
    """Return the vectors of these passages by text digest. tell: called with the number done and the total."""
    texts = {text_digest(passage): passage.embedding_text for passage in passages}
    keys = list(texts)
    groups = [keys[start : start + _GROUP] for start in range(0, len(keys), _GROUP)]
    vectors: dict[str, Vector] = {}
    with ThreadPoolExecutor(workers) as pool:
        batches = pool.map(lambda group: embedder.embed_documents([texts[key] for key in group]), groups)
        for group, batch in zip(groups, batches, strict=True):
            vectors.update(zip(group, batch, strict=True))
            tell(len(vectors), len(keys))
    return vectors


def _vectors_of(folder: Path, embedder_digest: str) -> Iterator[tuple[str, Vector]]:
    try:
        manifest = read_manifest(folder)
    except SnapshotRefused as error:
        log.warning("index not reused", extra={"index": folder.name, "reason": str(error)})
        return
    if manifest.embedder_digest != embedder_digest or not is_intact(folder):
        return
    passages, index = read_vectors(folder)
    for number in index.numbers:
        yield text_digest(passages[number]), index.vector(int(number))
