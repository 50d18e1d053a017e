"""Sums up the paths of a simulation chunk by chunk: shares with their error, and percentiles."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from services.optimizer.goal import PERCENTILES, PseudoRandom, Sampling
from services.optimizer.moments import Matrix

Flags = NDArray[np.bool_]

# Percentiles are exact up to this many paths; beyond it they are means over batches of this many, which a bias of
# the order of 1 / 32,768 separates from the percentiles of all: far below their standard error.
BATCH = 32_768


class Tally:
    """Counts paths, successes and ruins by independent group."""

    def __init__(self) -> None:
        self._paths: dict[int, int] = {}
        self._successes: dict[int, int] = {}
        self._ruined = 0

    def add(self, group: int, success: Flags, ruined: Flags) -> None:
        """Count a chunk of paths of this group, (paths,)."""
        self._paths[group] = self._paths.get(group, 0) + len(success)
        self._successes[group] = self._successes.get(group, 0) + int(success.sum())
        self._ruined += int(ruined.sum())

    @property
    def group_count(self) -> int:
        """How many independent groups there are."""
        return len(self._paths)

    @property
    def success_probability(self) -> float:
        """The share of paths that succeeded."""
        return sum(self._successes.values()) / sum(self._paths.values())

    @property
    def ruin_probability(self) -> float:
        """The share of paths in which the money ran out."""
        return self._ruined / sum(self._paths.values())

    def standard_error(self, sampling: Sampling) -> float:
        """Return the binomial error of independent paths, or the spread of scrambles over the root of their number."""
        if isinstance(sampling, PseudoRandom):
            p = self.success_probability
            return math.sqrt(p * (1.0 - p) / sum(self._paths.values()))
        shares = np.array([self._successes[group] / self._paths[group] for group in self._paths])
        return float(shares.std(ddof=1)) / math.sqrt(len(shares))


class Fan:
    """Percentiles of the worth over batches of paths."""

    def __init__(self) -> None:
        self._batch: list[Matrix] = []
        self._sum: Matrix | float = 0.0
        self._paths = 0

    def add(self, worth: Matrix) -> None:
        """Take in the worth of a chunk of paths, (reports, paths)."""
        self._batch.append(worth)
        if sum(part.shape[1] for part in self._batch) >= BATCH:
            self._close_batch()

    def percentiles(self) -> Matrix:
        """Return them, (percentiles, reports)."""
        self._close_batch()
        return np.asarray(self._sum) / self._paths

    def _close_batch(self) -> None:
        if self._batch:
            worth = np.concatenate(self._batch, axis=1)
            self._sum = self._sum + np.quantile(worth, PERCENTILES, axis=1, overwrite_input=True) * worth.shape[1]
            self._paths += worth.shape[1]
            self._batch = []
