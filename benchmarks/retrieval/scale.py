"""Measures vector search as the index grows: exact, a scan of 8-bit codes, and a graph over them.

    python -m benchmarks.retrieval.scale [--sizes 10000,20000,50000,100000,1000000] [--texts 100000] [--sets FOLDER]

The vectors are made by perturbing real ones: they test speed and recall against exact search, nothing else. Times are
CPU time of this process on one thread unless they say wall; filters leave passages eligible at random, the hardest case
for a graph. `--texts` measures words, ingest and memory on that many passages; 0 leaves it out.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

# Before a library reads them: the measure is one core.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false", HF_HUB_OFFLINE="1")

import numpy as np
from numpy.typing import NDArray

from benchmarks.retrieval.perturbed import SETS, Real, encoded, perturbed
from benchmarks.retrieval.scale_texts import report_texts
from services.retrieval.encoders.chosen import find_encoders
from services.retrieval.encoders.find import ENGLISH
from services.retrieval.faiss_index import FaissIndex, Kind
from services.retrieval.manifest import file_digests

_SIZES = (10_000, 20_000, 50_000, 100_000, 1_000_000)
_SHARES = (1.0, 0.5, 0.1, 0.01)
_REAL_TEXTS = 1000
_QUESTIONS = 40
# What a search of the service asks for.
_WANTED = 200
# A way that may miss a neighbour is worth it from here on.
_WORTH = 2.0

Numbers = NDArray[np.int64]
Vectors = NDArray[np.float32]
T = TypeVar("T")


@dataclass(frozen=True)
class Searched:
    """Passage numbers found for each question, and the milliseconds of each search in CPU and wall time."""

    found: list[Numbers]
    cpu: Vectors
    wall: Vectors


def main(arguments: list[str]) -> int:
    """Print the tables and return 0."""
    asked = _parser().parse_args(arguments)
    encoder = find_encoders((ENGLISH,))[0].open()
    real = Real.read(asked.sets, _REAL_TEXTS, _QUESTIONS)
    started = time.process_time()
    vectors = encoded(encoder, real.texts)
    rate = len(vectors) / (time.process_time() - started)
    questions = encoder.embed_queries(list(real.questions))
    print(f"{ENGLISH}: {rate:.0f} passages per core-second; vectors perturbed from {len(vectors)} real ones\n")
    costs = {size: _report_size(perturbed(vectors, size), questions) for size in asked.sizes}
    if costs:
        _report_crossover(costs)
    if asked.texts:
        report_texts(real.texts, real.questions, vectors, asked.texts, rate)
    return 0


def _report_size(vectors: Vectors, questions: Vectors) -> dict[Kind, float]:
    """Print a table for each kind of index over these vectors; return the CPU milliseconds of a search in all."""
    numbers = np.arange(len(vectors), dtype=np.int64)
    random = np.random.default_rng(1)
    among = {share: np.flatnonzero(random.random(len(vectors)) < share) for share in _SHARES}
    print(f"{len(vectors):,} vectors of {vectors.shape[1]}; chosen for this size: {Kind.of(len(vectors)).value}")
    print("  kind   eligible  CPU ms p50    p95  wall p50    p95  recall@10   @200")
    exact: dict[float, list[Numbers]] = {}
    costs: dict[Kind, float] = {}
    for kind in Kind:
        with tempfile.TemporaryDirectory() as folder:
            index, told = _through_disk(partial(FaissIndex.build, numbers, vectors, kind), Path(folder) / "v")
            # Small ones would be searched exactly whatever their kind; the comparison wants each kind as it is.
            bare = FaissIndex.read(Path(folder) / "v", exact_limit=0)
            for share, eligible in among.items():
                searched = _search(bare if share == 1.0 else index, questions, eligible)
                _report_search(kind, share, searched, exact.setdefault(share, searched.found))
                costs.setdefault(kind, float(np.median(searched.cpu)))
            print(f"  {kind.value:6} {told}", flush=True)
    print()
    return costs


def _through_disk(build: Callable[[], FaissIndex], folder: Path) -> tuple[FaissIndex, str]:
    """Return the index built, written and read again, and what that cost."""
    built, build_seconds = _timed(build)
    built.write(folder)
    _, digest_seconds = _timed(lambda: file_digests(folder))
    index, load_seconds = _timed(lambda: FaissIndex.read(folder))
    sizes = {file.name: file.stat().st_size / 1e6 for file in sorted(folder.iterdir())}
    told = ", ".join(f"{name} {size:.1f} MB" for name, size in sizes.items())
    return index, (
        f"build {build_seconds:.1f} s, load {load_seconds * 1000:.1f} ms, its digests {digest_seconds:.2f} s; {told}"
    )


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.process_time()
    return work(), time.process_time() - started


def _search(index: FaissIndex, questions: Vectors, among: Numbers) -> Searched:
    index.nearest(questions[0], among, _WANTED)  # Pages of the files come in.
    found, cpu, wall = [], [], []
    for question in questions:
        cpu_start, wall_start = time.process_time(), time.perf_counter()
        numbers, _ = index.nearest(question, among, _WANTED)
        cpu.append((time.process_time() - cpu_start) * 1000)
        wall.append((time.perf_counter() - wall_start) * 1000)
        found.append(numbers)
    return Searched(found, np.array(cpu), np.array(wall))


def _report_search(kind: Kind, share: float, searched: Searched, truth: list[Numbers]) -> None:
    cpu, wall = (np.percentile(times, [50, 95]) for times in (searched.cpu, searched.wall))
    print(
        f"  {kind.value:6} {share:7.0%}  {cpu[0]:10.2f} {cpu[1]:6.2f} {wall[0]:9.2f} {wall[1]:6.2f}"
        f"  {_recall(searched.found, truth, 10):9.4f} {_recall(searched.found, truth, _WANTED):6.4f}",
        flush=True,
    )


def _recall(found: list[Numbers], truth: list[Numbers], depth: int) -> float:
    pairs = zip(found, truth, strict=True)
    return float(np.mean([len(np.intersect1d(a[:depth], b[:depth])) / min(depth, len(b)) for a, b in pairs]))


def _report_crossover(costs: dict[int, dict[Kind, float]]) -> None:
    print("crossover, CPU of an unfiltered search:  exact / scan   scan / graph")
    for size, cost in costs.items():
        first, second = cost[Kind.EXACT] / cost[Kind.SCAN], cost[Kind.SCAN] / cost[Kind.GRAPH]
        print(f"  {size:>36,}  {first:13.2f}  {second:13.2f}{'  graph worth it' if second >= _WORTH else ''}")
    print()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retrieval.scale", description="Measure as it grows.")
    parser.add_argument(
        "--sizes", type=_sizes, default=_SIZES, help="numbers of vectors, parted by commas; empty for none"
    )
    parser.add_argument("--texts", type=int, default=100_000, help="passages for words, ingest and memory; 0 for none")
    parser.add_argument("--sets", type=Path, default=SETS, help="folder of the public sets")
    return parser


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(size) for size in text.split(",") if size)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
