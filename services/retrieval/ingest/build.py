"""Build the text index of a knowledge base."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.retrieval.asked import asked_of
from services.retrieval.chunk import CHUNKER_VERSION, TokenCounter, passages_of
from services.retrieval.encoder import Encoder, FoundEncoder
from services.retrieval.faiss_index import FaissIndex
from services.retrieval.flags import FLAGS_VERSION
from services.retrieval.ingest.limits import Strictest
from services.retrieval.ingest.vectors import embed, known_vectors, texts_of
from services.retrieval.lexical import WordIndex
from services.retrieval.manifest import FORMAT, EncoderEntry, Manifest, is_intact, read_manifest
from services.retrieval.passage import Document, Passage
from services.retrieval.records import documents_to_lines
from services.retrieval.snapshot_folder import ASKED, EXPANDED, WORDS, write_snapshot
from services.retrieval.vector_store import FolderStore, VectorStore
from services.retrieval.words import WORDS_VERSION, Segment
from shared.builder import Tell
from shared.problems import KnowledgeBaseError, Problem
from shared.snapshots import SnapshotRefused, snapshot_folders

# An index over no words at all cannot be built; this text is never found, since no passage owns it.
_NO_QUESTIONS = ["none"]


@dataclass(frozen=True)
class Builder:
    """Builds indexes under a folder.

    encoders: in order of preference; not opened where an index of the same inputs exists. Passages in a language that
              none of them knows are found by words alone.
    workers:  passages embedded at the same time.
    tell:     called with an event and its numbers as the work goes on.
    store:    where the vectors will be searched.
    """

    root: Path
    encoders: tuple[FoundEncoder, ...]
    open_segmenter: Callable[[], Segment]
    workers: int
    tell: Tell
    store: VectorStore = FolderStore()  # noqa: RUF009 It has no state.

    def build(self, documents: Sequence[Document]) -> str:
        """Return the id of the snapshot of these documents, built unless it is there already.

        documents: by ascending id. The same documents give the same id; unchanged passages keep their vectors.
        Raises KnowledgeBaseError where a document has no text to find, UpstreamUnavailable where the store for
        vectors cannot be reached.
        """
        self.store.reach()
        digest = self._built(documents)
        self.store.put(self.root / digest)
        return digest

    def _built(self, documents: Sequence[Document]) -> str:
        inputs = self._inputs(documents)
        if existing := _existing(self.root, inputs):
            self.tell("unchanged", {"digest": existing})
            return existing
        encoders = [found.open() for found in self.encoders]
        passages = _passages(documents, Strictest(encoders))
        self.tell("chunked", {"documents": len(documents), "passages": len(passages)})
        vectors = [self._vectors(passages, number, encoder) for number, encoder in enumerate(encoders)]
        words = _words(passages, self.open_segmenter())
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

    def _vectors(self, passages: Sequence[Passage], encoder_number: int, encoder: Encoder) -> FaissIndex:
        texts = texts_of(passages)
        numbers = self._numbers(passages, encoder_number)
        known = known_vectors(self.root, encoder.digest, {texts[number].digest for number in numbers})
        new = [texts[number] for number in numbers if texts[number].digest not in known]
        counts = {"reused": len(numbers) - len(new), "left_out": len(texts) - len(numbers)}
        self.tell("embedding", {"encoder": encoder.name, "texts": len(new), **counts})

        def tell(done: int, total: int) -> None:
            self.tell("embedded", {"encoder": encoder.name, "done": done, "of": total})

        known |= embed(encoder, new, self.workers, tell)
        # An index may hold no vector at all, as one of Chinese documents does with an English encoder.
        matrix = np.array([known[texts[n].digest] for n in numbers], dtype=np.float32).reshape(-1, encoder.dimension)
        return FaissIndex.build(np.array(numbers, dtype=np.int64), matrix)

    def _numbers(self, passages: Sequence[Passage], encoder: int) -> list[int]:
        """Return what gets a vector of this encoder: passages in its languages, and questions that it is put first."""
        languages = self.encoders[encoder].languages
        earlier = {language for found in self.encoders[:encoder] for language in found.languages}
        asked = [one.language in languages and one.language not in earlier for one in asked_of(passages)]
        own = [passage.document.language in languages for passage in passages]
        return [number for number, is_wanted in enumerate([*own, *asked]) if is_wanted]


def _words(passages: Sequence[Passage], segment: Segment) -> dict[str, WordIndex]:
    """Return the indexes of words by the name of their folder."""
    asked = asked_of(passages)
    expanded = [[passage.lexical_text] for passage in passages]
    for one in asked:
        expanded[one.owner].append(one.text)
    return {
        WORDS: WordIndex.build([passage.lexical_text for passage in passages], segment),
        ASKED: WordIndex.build([one.text for one in asked] or _NO_QUESTIONS, segment),
        EXPANDED: WordIndex.build(["\n".join(texts) for texts in expanded], segment),
    }


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
