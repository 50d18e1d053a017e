"""Many vectors made from few real ones: they test speed and recall against exact search, not quality."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.retrieval.encoder import Encoder

SETS = Path(os.environ.get("FIDUCIA_RETRIEVAL_SETS", Path(__file__).parents[3] / "shared" / "data" / "retrieval"))
_SET = "tatqa_text"
_BATCH = 32
# Far below the encoder's limit of 256 tokens.
_LONGEST = 700
_BLOCK = 50_000
# Length of the noise beside vectors of length one: far enough that no two are copies (cosine with the mixture 0.93).
_NOISE = 0.4

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Real:
    """Passages and questions of a public set."""

    texts: tuple[str, ...]
    questions: tuple[str, ...]

    @classmethod
    def read(cls, sets: Path, texts: int, questions: int) -> Real:
        """Return the first texts and questions of the set."""
        return cls(_texts(sets / _SET / "corpus.jsonl", texts), _texts(sets / _SET / "queries.jsonl", questions))


def encoded(encoder: Encoder, texts: tuple[str, ...]) -> Vectors:
    """Return the vectors of texts, (texts, dimension), as of documents."""
    groups = [list(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]
    return np.concatenate([encoder.embed_documents(group) for group in groups])


def perturbed(real: Vectors, count: int, seed: int = 0) -> Vectors:
    """Return unit vectors, (count, dimension): each a mixture of two real ones, moved by noise."""
    random = np.random.default_rng(seed)
    made = np.empty((count, real.shape[1]), dtype=np.float32)
    for start in range(0, count, _BLOCK):
        size = min(_BLOCK, count - start)
        first, second = real[random.integers(len(real), size=(2, size))]
        weight = random.uniform(0.5, 1.0, size=(size, 1))
        noise = random.normal(scale=_NOISE / np.sqrt(real.shape[1]), size=(size, real.shape[1]))
        block = weight * first + (1 - weight) * second + noise
        made[start : start + size] = block / np.linalg.norm(block, axis=1, keepdims=True)
    return made


def _texts(file: Path, count: int) -> tuple[str, ...]:
    with file.open(encoding="utf-8") as lines:
        read = [json.loads(line) for line, _ in zip(lines, range(count), strict=False)]
    return tuple(f"{one.get('title', '')} {one['text']}".strip()[:_LONGEST] for one in read)
