"""The stationary bootstrap: months in blocks of random length, so that calm and stormy spells stay together.

A path starts in a month drawn at random. Each next month follows the one before it in the history, the first
after the last, but with probability 1 / block_months it is drawn afresh. Blocks are geometric in length with
mean block_months, and each month of the history is equally likely in each month of a path.
Source: Politis and Romano (1994), The Stationary Bootstrap, JASA 89(428).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from services.optimizer.moments import Matrix


@dataclass(frozen=True, eq=False)
class BlockBootstrap:
    """Past months of the portfolios of a glide path.

    past:   (past months, portfolios), simple returns after fund fees.
    column: (months,), the portfolio of each month to come.
    """

    past: Matrix
    column: NDArray[np.int64]
    block_months: float

    def growth(self, generator: Generator, paths: int) -> Matrix:
        """Return the growth of one unit in each month, (months, paths)."""
        chosen = block_months(generator, len(self.past), len(self.column), paths, self.block_months)
        return 1.0 + self.past[chosen, self.column[:, None]]


def block_months(generator: Generator, past: int, months: int, paths: int, mean_length: float) -> NDArray[np.int64]:
    """Return which past month each month of each path repeats, (months, paths), from 0 to past - 1."""
    chosen = np.empty((months, paths), dtype=np.int64)
    chosen[0] = generator.integers(past, size=paths)
    for month in range(1, months):
        fresh = generator.random(paths) < 1.0 / mean_length
        drawn = generator.integers(past, size=paths)
        chosen[month] = np.where(fresh, drawn, (chosen[month - 1] + 1) % past)
    return chosen
