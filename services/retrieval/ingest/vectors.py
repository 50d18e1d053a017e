"""Vectors for passages and questions: those of earlier snapshots where the words are the same, else new ones."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.retrieval.asked import asked_of
from services.retrieval.encoder import Encoder
from services.retrieval.manifest import FORMAT, is_intact, read_manifest
from services.retrieval.passage import Passage
from services.retrieval.snapshot_folder import read_vectors
from shared.snapshots import SnapshotRefused, snapshot_folders

log = logging.getLogger(__name__)

Vector = NDArray[np.float32]
# Small enough that progress is seen, large enough for a GPU to be busy.
_GROUP = 32


@dataclass(frozen=True)
class Text:
    """Words that get a vector: those of a passage with its context, or a question."""

    words: str
    is_question: bool

    @cached_property
    def digest(self) -> str:
        """Return the SHA-256 in hexadecimal of the words and what they are: an encoder may treat the two apart."""
        return hashlib.sha256(f"{self.is_question:d}{self.words}".encode()).hexdigest()


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


def passage_text(passage: Passage) -> Text:
    """Return what the encoder sees of a passage."""
    return Text(passage.embedding_text, is_question=False)


def texts_of(passages: Sequence[Passage]) -> list[Text]:
    """Return all that may have a vector: the passages, then the questions they answer, by their numbers."""
    asked = [Text(one.text, is_question=True) for one in asked_of(passages)]
    return [*map(passage_text, passages), *asked]


def embed(encoder: Encoder, texts: Iterable[Text], workers: int, tell: Callable[[int, int], None]) -> dict[str, Vector]:
    """Return the vectors of these texts by digest. tell: called with the number done and the total."""
    unique = {text.digest: text for text in texts}
    # By kind, so that a group is one call.
    kinds = [[text for text in unique.values() if text.is_question is kind] for kind in (False, True)]
    groups = [some[start : start + _GROUP] for some in kinds for start in range(0, len(some), _GROUP)]
    vectors: dict[str, Vector] = {}
    with ThreadPoolExecutor(workers) as pool:
        for group, batch in zip(groups, pool.map(lambda group: _embedded(encoder, group), groups), strict=True):
            vectors.update(zip((text.digest for text in group), batch, strict=True))
            tell(len(vectors), len(unique))
    return vectors


def _vectors_of(folder: Path, encoder_digest: str) -> Iterator[tuple[str, Vector]]:
    try:
        manifest = read_manifest(folder)
        digests = [entry.digest for entry in manifest.encoders]
        if manifest.format != FORMAT or encoder_digest not in digests or not is_intact(folder):
            return
        passages, index = read_vectors(folder, digests.index(encoder_digest))
    except SnapshotRefused as error:
        log.warning("index not reused", extra={"index": folder.name, "reason": str(error)})
        return
    texts = texts_of(passages)
    # One that numbers more than the texts there are counted its questions in another way.
    for number in index.numbers[index.numbers < len(texts)]:
        yield texts[number].digest, index.vector(int(number))


def _embedded(encoder: Encoder, group: Sequence[Text]) -> NDArray[np.float32]:
    texts = [text.words for text in group]
    return encoder.embed_queries(texts) if group[0].is_question else encoder.embed_documents(texts)
