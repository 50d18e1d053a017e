"""Measures of ranked results, with standard errors and intervals over questions.

Sources: Järvelin and Kekäläinen (2002) for nDCG; Efron and Tibshirani (1993), chapter 13, for the percentile interval;
Wilson (1927) for the interval of a share.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Enough for the second decimal of a 95 % interval; the seed makes two runs agree.
_RESAMPLES = 10_000
_SEED = 20261122
MEASURES = ("recall@1", "recall@5", "recall@10", "nDCG@10", "MRR@10", "success@5")
_DEPTH = 10
# Of the normal distribution, for 95 %.
_Z = 1.959964


@dataclass(frozen=True)
class Estimate:
    """A mean over questions with its standard error and its 95 % bootstrap interval."""

    mean: float
    error: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} ± {self.error:.3f}"


def measures(ranked: Sequence[str], relevant: frozenset[str]) -> tuple[float, ...]:
    """Return the measures of one question in the order of MEASURES. relevant: at least one.

    Recall at k is the share of the relevant units among the first k, of at most k that could be there. Success is
    whether one of them is there.
    """
    hits = [unit in relevant for unit in ranked[:_DEPTH]]
    recalls = [sum(hits[:k]) / min(len(relevant), k) for k in (1, 5, 10)]
    gain = sum(1 / math.log2(rank + 2) for rank, hit in enumerate(hits) if hit)
    ideal = sum(1 / math.log2(rank + 2) for rank in range(min(len(relevant), _DEPTH)))
    first = next((1 / (rank + 1) for rank, hit in enumerate(hits) if hit), 0.0)
    return (*recalls, gain / ideal, first, float(any(hits[:5])))


def estimate(values: NDArray[np.float64]) -> Estimate:
    """Return the mean of one value for each question, (questions,)."""
    means = _resampled(values)
    error = float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else math.nan
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(float(values.mean()), error, float(low), float(high))


def share(successes: int, count: int) -> Estimate:
    """Return a share with the score interval of Wilson, which holds near 0 and 1 too. count: at least 1."""
    mean = successes / count
    centre = (mean + _Z**2 / (2 * count)) / (1 + _Z**2 / count)
    half = _Z / (1 + _Z**2 / count) * math.sqrt(mean * (1 - mean) / count + _Z**2 / (4 * count**2))
    return Estimate(mean, math.sqrt(mean * (1 - mean) / count), max(centre - half, 0.0), min(centre + half, 1.0))


def difference(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> Estimate:
    """Return the mean difference over the same questions, by a paired bootstrap."""
    return estimate(ours - theirs)


def _resampled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    chosen = np.random.default_rng(_SEED).integers(len(values), size=(_RESAMPLES, len(values)))
    return np.asarray(values[chosen].mean(axis=1))
