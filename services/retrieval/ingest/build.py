"""Build the text index of a knowledge base."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.retrieval.chunk import CHUNKER_VERSION, passages_of
from services.retrieval.faiss_index import FaissIndex
from services.retrieval.flags import FLAGS_VERSION
from services.retrieval.ingest.vectors import DocumentEmbedder, embed, known_vectors, text_digest
from services.retrieval.lexical import WordIndex
from services.retrieval.manifest import Manifest, is_intact, read_manifest
from services.retrieval.model_folder import ModelFolder
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

    open_embedder: loads the model; not called where an index of the same inputs exists.
    languages:     those the embedder understands; passages in others are found by words alone.
    workers:       passages embedded at the same time.
    tell:          called with an event and its numbers as the work goes on.
    """

    root: Path
    model: ModelFolder
    open_embedder: Callable[[], DocumentEmbedder]
    open_segmenter: Callable[[], Segment]
    languages: tuple[str, ...]
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
        embedder = self.open_embedder()
        passages = _passages(documents, embedder)
        self.tell("chunked", {"documents": len(documents), "passages": len(passages)})
        vectors = self._vectors(passages, embedder)
        words = WordIndex.build([passage.lexical_text for passage in passages], self.open_segmenter())
        manifest = Manifest(
            embedder=self.model.name,
            embedder_digest=self.model.digest,
            dimension=embedder.dimension,
            embedded_languages=self.languages,
            passage_count=len(passages),
            document_count=len(documents),
            inputs=inputs,
            files={},
        )
        return write_snapshot(self.root, manifest, documents, passages, vectors, words)

    def _inputs(self, documents: Sequence[Document]) -> str:
        versions = (CHUNKER_VERSION, WORDS_VERSION, FLAGS_VERSION, self.model.name, self.model.digest, *self.languages)
        return hashlib.sha256("\n".join((*versions, documents_to_lines(documents))).encode()).hexdigest()

    def _vectors(self, passages: Sequence[Passage], embedder: DocumentEmbedder) -> FaissIndex:
        numbers = [number for number, passage in enumerate(passages) if passage.document.language in self.languages]
        keys = {number: text_digest(passages[number]) for number in numbers}
        known = known_vectors(self.root, self.model.digest, set(keys.values()))
        new = [passages[number] for number in numbers if keys[number] not in known]
        counts = {"reused": len(numbers) - len(new), "words_only": len(passages) - len(numbers)}
        self.tell("embedding", {"passages": len(new), **counts})
        known |= embed(
            embedder, new, self.workers, lambda done, total: self.tell("embedded", {"done": done, "of": total})
        )
        # An index may hold no vector at all, as one of Chinese documents does with an English embedder.
        matrix = np.array([known[keys[n]] for n in numbers], dtype=np.float32).reshape(-1, embedder.dimension)
        return FaissIndex.build(np.array(numbers, dtype=np.int64), matrix)


def _passages(documents: Sequence[Document], embedder: DocumentEmbedder) -> list[Passage]:
    passages = []
    problems = []
    for document in documents:
        found = passages_of(document, embedder)
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
