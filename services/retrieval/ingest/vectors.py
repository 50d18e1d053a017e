"""Vectors for passages: those of earlier snapshots where the words are the same, new ones for the rest."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.retrieval.encoder import Encoder
from services.retrieval.manifest import is_intact, read_manifest
from services.retrieval.passage import Passage
from services.retrieval.snapshot_folder import read_vectors
from shared.snapshots import SnapshotRefused, snapshot_folders

log = logging.getLogger(__name__)

Vector = NDArray[np.float32]
# Small enough that progress is seen, large enough for a GPU to be busy.
_GROUP = 32


def known_vectors(root: Path, encoder_digest: str, wanted: Set[str]) -> dict[str, Vector]:
    """Return the vectors that intact snapshots of this encoder hold for the wanted text digests."""
    known: dict[str, Vector] = {}
    # In a fixed order: where two snapshots hold a vector for the same text, every run takes the same one.
    for folder in snapshot_folders(root):
        if len(known) == len(wanted):
            break
        for key, vector in _vectors_of(folder, encoder_digest):
            if key in wanted:
                known.setdefault(key, vector)
    return known


def text_digest(passage: Passage) -> str:
    """Return the SHA-256 in hexadecimal of what the encoder sees."""
    return hashlib.sha256(passage.embedding_text.encode()).hexdigest()


def embed(
    encoder: Encoder, passages: Sequence[Passage], workers: int, tell: Callable[[int, int], None]
) -> dict[str, Vector]:
    """Return the vectors of these passages by text digest. tell: called with the number done and the total."""
    texts = {text_digest(passage): passage.embedding_text for passage in passages}
    keys = list(texts)
    groups = [keys[start : start + _GROUP] for start in range(0, len(keys), _GROUP)]
    vectors: dict[str, Vector] = {}
    with ThreadPoolExecutor(workers) as pool:
        batches = pool.map(lambda group: encoder.embed_documents([texts[key] for key in group]), groups)
        for group, batch in zip(groups, batches, strict=True):
            vectors.update(zip(group, batch, strict=True))
            tell(len(vectors), len(keys))
    return vectors


def _vectors_of(folder: Path, encoder_digest: str) -> Iterator[tuple[str, Vector]]:
    try:
        digests = [entry.digest for entry in read_manifest(folder).encoders]
        if encoder_digest not in digests or not is_intact(folder):
            return
        passages, index = read_vectors(folder, digests.index(encoder_digest))
    except SnapshotRefused as error:
        log.warning("index not reused", extra={"index": folder.name, "reason": str(error)})
        return
    for number in index.numbers:
        yield text_digest(passages[number]), index.vector(int(number))
