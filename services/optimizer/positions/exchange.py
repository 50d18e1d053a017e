"""The best choice of positions known: rounded from relaxations, and made better by exchanging single products."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from services.optimizer.moments import Vector
from services.optimizer.positions.bound import Node, gains_of
from services.optimizer.positions.program import Program
from services.optimizer.positions.relax import Relaxed
from services.optimizer.positions.restricted import Restricted, Trial

# A choice that is better by less than this, on the objective of order one, is not better.
TOLERANCE = 1e-9
# Products that may come in and go out in an exchange, the most promising; after this many choices only a new best one
# is improved.
_COMING, _GOING = 8, 5
_EXCHANGED = 150
# A weight or a share below this is none.
_NONE = 1e-6
# Shares that agree in these digits are alike.
_DIGITS = 5


class Incumbent:
    """Value and places of the best choice that keeps all limits; None until there is one."""

    def __init__(self, program: Program) -> None:
        self.best: tuple[float, np.ndarray] | None = None
        self._program = program
        self._restricted = Restricted(program)
        self._starts: list[np.ndarray] = []

    @property
    def cutoff(self) -> float:
        """What a choice must be below to be better."""
        return math.inf if self.best is None else self.best[0] - TOLERANCE

    def try_choice(self, support: np.ndarray) -> float:
        """Return what the choice is worth, infinite where it cannot be; remember it if it is the best."""
        found = self.trial(support)
        return math.inf if found is None else found.merit

    def trial(self, support: np.ndarray) -> Trial | None:
        """Return all that is known of the choice; None where it cannot be."""
        found = self._restricted.best(support)
        if found is not None and found.is_kept and found.merit < self.cutoff:
            self.best = found.merit, support
        return found

    def round(self, node: Node, at: Relaxed) -> None:
        """Try the products that take the largest shares of a position, and those with the largest weights."""
        for measure in (at.shares, at.weights):
            # Rounded, so that products alike come in their order.
            order = np.argsort(-np.round(measure + 2.0 * node.held, _DIGITS), kind="stable")[: self._program.count]
            support = np.sort(order[(measure[order] > _NONE) | node.held[order]])
            self._starts.append(support)
            self.try_choice(support)

    def improve_rounded(self, before: tuple[float, np.ndarray] | None) -> None:
        """Improve what was rounded since the last call; later in the search only a best one that is new."""
        if len(self._restricted) < _EXCHANGED:
            self.improve(self._starts)
        elif self.best is not None and self.best is not before:
            self.improve([self.best[1]])
        self._starts.clear()

    def improve(self, starts: Iterable[np.ndarray]) -> None:
        """Exchange products of each choice for others as long as that makes it better."""
        for support in starts:
            better: np.ndarray | None = support
            while better is not None:
                better = self._exchanged(better)

    def with_one_more(self, support: np.ndarray, value: float) -> float | None:
        """Return the least value with a promising product added; None where the positions are not used up."""
        trial = self._restricted.best(support)
        if trial is None or len(support) < self._program.count:
            return None
        coming = self._coming(support, gains_of(self._program, trial.multipliers))
        added = (self._restricted.best(np.sort(np.append(support, new))) for new in coming)
        return min((each.merit for each in added if each is not None and each.is_kept), default=value)

    def _exchanged(self, support: np.ndarray) -> np.ndarray | None:
        """Return a better choice that differs in one product; None where there is none among the promising."""
        trial = self._restricted.best(support)
        if trial is None:
            return None
        gains = gains_of(self._program, trial.multipliers)
        movable = support[~self._program.must[support]]
        going = movable[np.argsort(-gains[movable], kind="stable")][:_GOING]
        for new in self._coming(support, gains):
            trials = [np.sort(np.append(support[support != old], new)) for old in going]
            if len(support) < self._program.count:
                trials = [np.sort(np.append(support, new))]
            merit, best = min(((self.try_choice(other), at) for at, other in enumerate(trials)), default=(math.inf, 0))
            if merit < trial.merit - TOLERANCE:
                return trials[best]
        return None

    def _coming(self, support: np.ndarray, gains: Vector) -> np.ndarray:
        outside = np.setdiff1d(np.flatnonzero(self._program.may), support, assume_unique=True)
        return outside[np.argsort(gains[outside], kind="stable")][:_COMING]
