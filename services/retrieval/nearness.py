"""What is near a question in the vectors of one encoder: compared all at once where they are few, searched for else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.retrieval.questions import Vector
from services.retrieval.snapshot import VectorIndex
from services.retrieval.vector_rows import largest

Numbers = NDArray[np.int64]


class Nearness(Protocol):
    """One question in one space."""

    def nearest(self, among: Numbers, count: int) -> Numbers:
        """Return at most `count` numbers of `among` that have a vector, nearest first. among: ascending, each once."""

    def products(self, numbers: Numbers) -> NDArray[np.float32]:
        """Return the inner product with each of these numbers; zero where a number has no vector."""


class Nowhere:
    """No encoder knows both languages: nothing is near."""

    def nearest(self, among: Numbers, count: int) -> Numbers:  # noqa: ARG002
        """Return no number."""
        return np.empty(0, dtype=np.int64)

    def products(self, numbers: Numbers) -> NDArray[np.float32]:
        """Return zeros."""
        return np.zeros(len(numbers), dtype=np.float32)


@dataclass(frozen=True)
class Searched:
    """Every answer is had from the index."""

    index: VectorIndex
    vector: Vector

    def nearest(self, among: Numbers, count: int) -> Numbers:
        """Return what the index finds."""
        return self.index.nearest(self.vector, among, count)[0]

    def products(self, numbers: Numbers) -> NDArray[np.float32]:
        """Return what the index computes."""
        return self.index.products(self.vector, numbers)


@dataclass(frozen=True)
class Compared:
    """Every answer is looked up. by_number: inner products, NaN where there is no vector."""

    by_number: NDArray[np.float32]

    def nearest(self, among: Numbers, count: int) -> Numbers:
        """Return the numbers with the largest products."""
        products = self.by_number[among]
        held = ~np.isnan(products)
        if not held.all():
            among, products = among[held], products[held]
        return among[largest(products, count)]

    def products(self, numbers: Numbers) -> NDArray[np.float32]:
        """Return the products."""
        products = self.by_number[numbers]
        return np.where(np.isnan(products), np.float32(0), products)


def nearness(index: VectorIndex, vector: Vector, numbers: Numbers) -> Nearness:
    """Return how near the vectors under these numbers, ascending, are to a question's; no others are asked about."""
    products = index.compared(vector, numbers)
    if products is None:
        return Searched(index, vector)
    by_number = np.full(int(numbers[-1]) + 1 if len(numbers) else 0, np.nan, dtype=np.float32)
    by_number[numbers] = products
    return Compared(by_number)
