"""The stages of a search and the floor it is held against, each as a function of one question."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import faiss
import numpy as np
from fiducia.retrieval.v1 import retrieval_service_pb2 as pb

from services.retrieval.filters import PassageFilter
from services.retrieval.language import language_of
from services.retrieval.parse_search import DEFAULT_LIMIT, parse_search
from services.retrieval.search import Engine, Query, candidates, search
from services.retrieval.snapshot import Snapshot
from services.retrieval.wire import search_response
from services.retrieval.words import words_of

_DEPTH = 200

Step = Callable[[str], object]
_TODAY = date.today()


def best_of(steps: Mapping[str, tuple[Step, Sequence[str]]], rounds: int) -> dict[str, float]:
    """Return milliseconds of CPU for one question by step: each question's best round, averaged; steps take turns."""
    best = {name: np.full(len(texts), np.inf) for name, (_, texts) in steps.items()}
    for _ in range(rounds + 1):  # the first round warms up as well
        for name, (step, texts) in steps.items():
            for number, text in enumerate(texts):
                before = time.process_time()
                step(text)
                best[name][number] = min(best[name][number], 1e3 * (time.process_time() - before))
    return {name: float(some.mean()) for name, some in best.items()}


@dataclass(frozen=True)
class Stages:
    """What is measured over one snapshot with one engine."""

    snapshot: Snapshot
    engine: Engine
    texts: Sequence[str]

    def floor(self) -> dict[str, tuple[Step, Sequence[str]]]:
        """Return raw FAISS and raw bm25s; FAISS searches the vectors of every encoder that the question needs."""
        vectors = {text: self._encode(text) for text in self.texts}
        raw = [_raw_index(space.index, len(self.snapshot.passages)) for space in self.snapshot.spaces]
        words: Any = self.snapshot.words

        def nearest(text: str) -> object:
            return [raw[number].search(vector, _DEPTH) for number, vector in vectors[text]]

        def by_words(text: str) -> object:
            known = [word for word in words_of(text, words._segment) if word in words._vocabulary]
            if not known:
                return None
            scores = words._index.get_scores(known)
            best = np.argpartition(scores, -_DEPTH)[-_DEPTH:]
            return best[np.argsort(-scores[best])]

        return {"raw FAISS": (nearest, self.texts), "raw bm25s": (by_words, self.texts)}

    def parts(self) -> dict[str, tuple[Step, Sequence[str]]]:
        """Return the stages of a search, the whole of it, and the whole between messages."""
        snapshot = self.snapshot
        steps: dict[str, Step] = {
            "filters": lambda _: snapshot.table.eligible_by_language(PassageFilter(), _TODAY),
            "encoders": self._encode,
            "words": snapshot.words.shares,
            "candidates": lambda text: candidates(snapshot, self.engine, [self._query(text)]),
            "search": lambda text: search(snapshot, self.engine, [self._query(text)]),
            "handler": self.handle,
        }
        return {name: (step, self.texts) for name, step in steps.items()}

    def handle(self, text: str) -> bytes:
        """Return a search's answer in bytes, from the request's message."""
        request = pb.SearchPassagesRequest.FromString(pb.SearchPassagesRequest(query=text).SerializeToString())
        query = parse_search(request, _TODAY).query
        (found,) = search(self.snapshot, self.engine, [query])
        return search_response(found, query, self.engine, self.snapshot.id).SerializeToString()

    def _query(self, text: str) -> Query:
        return Query(text, DEFAULT_LIMIT, _TODAY)

    def _encode(self, text: str) -> list[tuple[int, Any]]:
        """Return the question's vectors, (1, dimension), by the number of each encoder that it needs."""
        asked = language_of(text)
        written = {one.document.language for one in self.snapshot.passages[:: len(self.snapshot.passages) // 50 or 1]}
        languages = [set(space.encoder.languages) for space in self.snapshot.spaces]
        needed = {next(n for n, known in enumerate(languages) if {asked, one} <= known) for one in written}
        return [(number, self.engine.encoders[number].embed_queries([text])) for number in sorted(needed)]


def _raw_index(index: Any, passages: int) -> Any:
    """Return FAISS's own exact index of the vectors of passages."""
    raw = faiss.IndexFlatIP(index.dimension)
    held = [number for number in index.numbers.tolist() if number < passages]
    raw.add(np.array([index.vector(number) for number in held], dtype=np.float32))
    return raw
