"""Words, ingest, size on disk and memory at many passages, made by mixing the words of real ones."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.retrieval.perturbed import perturbed
from services.retrieval.encoder import FoundEncoder
from services.retrieval.filters import FilterTable, PassageFilter
from services.retrieval.ingest.build import Builder
from services.retrieval.jieba_segmenter import JiebaSegmenter
from services.retrieval.passage import Document, DocumentKind, TrustLevel
from services.retrieval.snapshot import Snapshot
from services.retrieval.snapshot_folder import load_snapshot

_DIGEST = "0" * 64
_ROUNDS = 5

Vectors = NDArray[np.float32]


class Perturbing:
    """An encoder that hands out perturbed vectors, so that everything but encoding is measured."""

    name = "perturbing"
    digest = _DIGEST
    languages = ("en",)
    token_limit = 1 << 20

    def __init__(self, real: Vectors) -> None:
        self.dimension = real.shape[1]
        self._real = real
        self._seed = 0

    def count_tokens(self, text: str) -> int:
        """Return the number of words."""
        return len(text.split())

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Return as many perturbed vectors, others at every call."""
        self._seed += 1
        return perturbed(self._real, len(texts), self._seed)

    embed_queries = embed_documents


def report_texts(real: Sequence[str], questions: Sequence[str], vectors: Vectors, count: int, rate: float) -> None:
    """Print what ingest, words and memory cost at `count` passages. rate: passages encoded per core-second."""
    found = (FoundEncoder(Perturbing.name, _DIGEST, Perturbing.languages, lambda: Perturbing(vectors)),)
    stages = _Stages()
    with tempfile.TemporaryDirectory() as folder:
        builder = Builder(Path(folder), found, JiebaSegmenter, 1, stages.tell)
        built = Path(folder) / builder.build(tuple(_documents(real, count)))
        stages.end("written")
        print(f"ingest of {count:,} passages, CPU seconds without encoding: {stages}")
        print(f"  {1 / (stages.total / count + 1 / rate):.0f} passages per core-second with encoding at {rate:.0f}")
        files = {file: file.stat().st_size for file in sorted(built.rglob("*")) if file.is_file()}
        per_file = ", ".join(f"{one.relative_to(built)} {size / 1e6:.1f}" for one, size in files.items())
        print(f"  on disk {sum(files.values()) / 1e6:.0f} MB: {per_file}")
        before, started = _resident(), time.process_time()
        snapshot = load_snapshot(built, found, JiebaSegmenter())
        seconds, loaded = time.process_time() - started, _resident()
        table = FilterTable(snapshot.passages)
        after = _resident()
        print(f"  load {seconds:.1f} s, {loaded - before:.0f} MB of memory; the filter table {after - loaded:.0f} MB")
        _report_parts(snapshot, table, questions)


def _documents(real: Sequence[str], count: int) -> Iterator[Document]:
    random = np.random.default_rng(2)
    for number in range(count):
        first, second = (real[one].split() for one in random.integers(len(real), size=2))
        words = [*first[: len(first) // 2], *second[len(second) // 2 :], str(number)]
        yield Document(
            id=f"document-{number:07}",
            title=" ".join(words[:4]),
            language="en",
            kind=DocumentKind.DOCUMENT,
            text="Text: " + " ".join(words),
            source="perturbed",
            licence="",
            trust=TrustLevel.EXTERNAL,
        )


def _report_parts(snapshot: Snapshot, table: FilterTable, questions: Sequence[str]) -> None:
    everything = table.eligible(PassageFilter(), date(2026, 1, 1))
    words = [_milliseconds(partial(snapshot.words.shares, text)) for text in questions]
    print(f"  words, CPU ms of a question: p50 {np.percentile(words, 50):.2f}, p95 {np.percentile(words, 95):.2f}")
    parts: dict[str, Callable[[], object]] = {
        "eligible": lambda: table.eligible(PassageFilter(), date(2026, 1, 1)),
        "by language": lambda: table.by_language(everything),
        "names": lambda: snapshot.names.named(questions[0]),
        "sorting all by words": lambda: np.argsort(-snapshot.words.shares(questions[0])[everything], kind="stable"),
    }
    print("  CPU ms: " + ", ".join(f"{name} {_milliseconds(part):.2f}" for name, part in parts.items()))


def _milliseconds(work: Callable[[], object]) -> float:
    """Return the CPU time, the best of the rounds."""
    best = float("inf")
    for _ in range(_ROUNDS):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best * 1000


def _resident() -> float:
    """Return the megabytes of memory of this process that are not pages of files."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


class _Stages:
    """CPU seconds by what the builder told last."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._last = time.process_time()

    def tell(self, event: str, _: object) -> None:
        """Count the time since the last event towards what this one ends."""
        self.end(
            {"embedding": "vectors known", "embedded": "vectors", "writing": "vector index, words"}.get(event, event)
        )

    def end(self, stage: str) -> None:
        """Count the time since the last event towards a stage."""
        now = time.process_time()
        self._seconds[stage] = self._seconds.get(stage, 0.0) + now - self._last
        self._last = now

    @property
    def total(self) -> float:
        """Return the seconds of all stages but the making of vectors."""
        return sum(seconds for stage, seconds in self._seconds.items() if stage != "vectors")

    def __str__(self) -> str:
        """Return the stages with their seconds."""
        return ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in self._seconds.items() if stage != "vectors")
