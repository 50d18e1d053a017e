"""Build the text index of a knowledge base."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.retrieval.chunk import CHUNKER_VERSION, TokenCounter, passages_of
from services.retrieval.encoder import Encoder, FoundEncoder
from services.retrieval.faiss_index import FaissIndex
from services.retrieval.flags import FLAGS_VERSION
from services.retrieval.ingest.limits import Strictest
from services.retrieval.ingest.vectors import embed, known_vectors, text_digest
from services.retrieval.lexical import WordIndex
from services.retrieval.manifest import FORMAT, EncoderEntry, Manifest, is_intact, read_manifest
from services.retrieval.passage import Document, Passage
from services.retrieval.records import documents_to_lines
from services.retrieval.snapshot_folder import write_snapshot
from services.retrieval.words import WORDS_VERSION, Segment
from shared.builder import Tell
from shared.problems import KnowledgeBaseError, Problem
from shared.snapshots import SnapshotRefused, snapshot_folders


@dataclass(frozen=True)
class Builder:
    """Builds indexes under a folder.

    encoders: in order of preference; not opened where an index of the same inputs exists. Passages in a language that
              none of them knows are found by words alone.
    workers:  passages embedded at the same time.
    tell:     called with an event and its numbers as the work goes on.
    """

    root: Path
    encoders: tuple[FoundEncoder, ...]
    open_segmenter: Callable[[], Segment]
    workers: int
    tell: Tell

    def build(self, documents: Sequence[Document]) -> str:
        """Return the id of the snapshot of these documents, built unless it is there already.

        documents: by ascending id. The same documents give the same id; unchanged passages keep their vectors.
        Raises KnowledgeBaseError where a document has no text to find.
        """
        inputs = self._inputs(documents)
        if existing := _existing(self.root, inputs):
            self.tell("unchanged", {"digest": existing})
            return existing
        encoders = [found.open() for found in self.encoders]
        passages = _passages(documents, Strictest(encoders))
        self.tell("chunked", {"documents": len(documents), "passages": len(passages)})
        vectors = [
            self._vectors(passages, found.languages, encoder)
            for found, encoder in zip(self.encoders, encoders, strict=True)
        ]
        words = WordIndex.build([passage.lexical_text for passage in passages], self.open_segmenter())
        self.tell("writing", {"passages": len(passages)})
        manifest = Manifest(
            encoders=tuple(
                EncoderEntry(found.name, found.digest, encoder.dimension, found.languages)
                for found, encoder in zip(self.encoders, encoders, strict=True)
            ),
            passage_count=len(passages),
            document_count=len(documents),
            inputs=inputs,
            files={},
        )
        return write_snapshot(self.root, manifest, documents, passages, vectors, words)

    def _inputs(self, documents: Sequence[Document]) -> str:
        encoders = (f"{found.name} {found.digest} {' '.join(found.languages)}" for found in self.encoders)
        versions = (f"format {FORMAT}", CHUNKER_VERSION, WORDS_VERSION, FLAGS_VERSION, *encoders)
        return hashlib.sha256("\n".join((*versions, documents_to_lines(documents))).encode()).hexdigest()

    def _vectors(self, passages: Sequence[Passage], languages: tuple[str, ...], encoder: Encoder) -> FaissIndex:
        numbers = [number for number, passage in enumerate(passages) if passage.document.language in languages]
        keys = {number: text_digest(passages[number]) for number in numbers}
        known = known_vectors(self.root, encoder.digest, set(keys.values()))
        new = [passages[number] for number in numbers if keys[number] not in known]
        counts = {"reused": len(numbers) - len(new), "left_out": len(passages) - len(numbers)}
        self.tell("embedding", {"encoder": encoder.name, "passages": len(new), **counts})

        def tell(done: int, total: int) -> None:
            self.tell("embedded", {"encoder": encoder.name, "done": done, "of": total})

        known |= embed(encoder, new, self.workers, tell)
        # An index may hold no vector at all, as one of Chinese documents does with an English encoder.
        matrix = np.array([known[keys[n]] for n in numbers], dtype=np.float32).reshape(-1, encoder.dimension)
        return FaissIndex.build(np.array(numbers, dtype=np.int64), matrix)


def _passages(documents: Sequence[Document], counter: TokenCounter) -> list[Passage]:
    passages = []
    problems = []
    for document in documents:
        found = passages_of(document, counter)
        passages += found
        if not found:
            problems.append(Problem(document.id, "", "has headings and no text below them; write it"))
    if problems:
        raise KnowledgeBaseError(problems)
    return passages


def _existing(root: Path, inputs: str) -> str:
    """Return the id of an intact snapshot of the same inputs, "" where there is none."""
    for folder in snapshot_folders(root):
        try:
            same = read_manifest(folder).inputs == inputs
        except SnapshotRefused:
            continue
        if same and is_intact(folder):
            return folder.name
    return ""
