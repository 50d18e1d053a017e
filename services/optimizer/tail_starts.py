"""Bases from which tail programs start, kept for the scenarios of the last requests: the same whatever came before.

A basis of HiGHS depends on where the solver started. For an answer that depends on its request alone, every request
over the same scenarios starts from one of a few references, none of which knows any request's limits: the least
loss when only the budget counts, and a ladder of prices of the loss against the scenarios' mean. A reference is
solved when it is first needed, always from the same place, so what is kept saves time and changes nothing.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from services.optimizer.moments import Matrix, Vector
from services.optimizer.tail_lp import TailLimits, TailProgram
from services.optimizer.tail_start import Start, cold

# Neighbouring prices differ by this factor: at most 40 steps of the simplex method from the nearer one, where 100
# products over 2,500 scenarios were measured.
_STEP = 1.2
# Beyond this many steps up the loss alone counts; as many down, the mean does.
_STEPS = 24
# Expected returns that are less like the scenarios' mean than this have nothing to gain from the ladder.
_ALIKE = 0.9
# Scenarios of the largest request, 10 million numbers, alone take 80 MB; those of a usual one 2 MB.
_MOST_BYTES = 96_000_000
_LOSS_ALONE = _STEPS + 1


@dataclass(frozen=True, eq=False)
class _Known:
    returns: Matrix
    confidence: float
    starts: dict[int, Start] = field(default_factory=dict)

    def is_of(self, returns: Matrix, confidence: float) -> bool:
        return self.confidence == confidence and np.array_equal(self.returns, returns)


class TailStarts:
    """References by scenarios and confidence, a bounded number, the least recently used leaving first.

    Not thread-safe: one worker owns it.
    """

    def __init__(self, capacity: int = 4, most_bytes: int = _MOST_BYTES) -> None:
        self._capacity = capacity
        self._most_bytes = most_bytes
        self._known: OrderedDict[int, _Known] = OrderedDict()
        self._next = 0

    def start(self, returns: Matrix, confidence: float, price: float, expected: Vector) -> Start:
        """Return the reference for price * mean loss - expected' w.  returns: (S, n).  expected: (n,)."""
        known = self._of(returns, confidence)
        step = _nearest(returns, price, expected)
        for needed in (_LOSS_ALONE, step):
            if needed not in known.starts:
                known.starts[needed] = _reference(known, needed)
        return known.starts[step]

    def ended(self, confidence: float, end: Callable[[], Start]) -> None:
        """Take no note of where a program ended: the next request must not know."""

    @property
    def kept_bytes(self) -> int:
        """How much the scenarios take that are kept."""
        return sum(known.returns.nbytes for known in self._known.values())

    def _of(self, returns: Matrix, confidence: float) -> _Known:
        for key, known in self._known.items():
            if known.is_of(returns, confidence):
                self._known.move_to_end(key)
                return known
        self._next += 1
        self._known[self._next] = known = _Known(returns, confidence)
        while len(self._known) > 1 and (len(self._known) > self._capacity or self.kept_bytes > self._most_bytes):
            self._known.popitem(last=False)
        return known


class Continued:
    """Starts where the program before ended: for the many questions of one request, which are the same every time.

    The first starts from the references of `starts`.
    """

    def __init__(self, starts: TailStarts) -> None:
        self._starts = starts
        self._last: Start | None = None
        self._confidence = 0.0

    def start(self, returns: Matrix, confidence: float, price: float, expected: Vector) -> Start:
        """Return the end of the program before, if it had this confidence; they all have the same scenarios."""
        if self._last is not None and self._confidence == confidence:
            return self._last
        return self._starts.start(returns, confidence, price, expected)

    def ended(self, confidence: float, end: Callable[[], Start]) -> None:
        """Take note of where a program ended."""
        self._last, self._confidence = end(), confidence


def _nearest(returns: Matrix, price: float, expected: Vector) -> int:
    """Return the step of the ladder that is nearest, 1.2 to its power in units of the spread of the means."""
    spread = float(np.std(expected))
    mean = returns.mean(axis=0) if spread > 0.0 else np.zeros(len(expected))
    if spread == 0.0 or price <= 0.0 or np.std(mean) == 0.0 or float(np.corrcoef(mean, expected)[0, 1]) < _ALIKE:
        return _LOSS_ALONE
    step = round(math.log(price * float(np.std(mean)) / spread) / math.log(_STEP))
    return _LOSS_ALONE if step > _STEPS else max(step, -_STEPS)


def _reference(known: _Known, step: int) -> Start:
    """Return the start of one step; its scenarios are those that the optimum's neighbours need too."""
    returns, n = known.returns, known.returns.shape[1]
    limits = TailLimits(np.zeros(n), np.full(n, 2.0), np.zeros((0, n)), np.zeros(0), np.zeros(n), None)
    is_loss = step == _LOSS_ALONE
    before = cold(returns, known.confidence) if is_loss else known.starts[_LOSS_ALONE]
    price, expected = 1.0, np.zeros(n) if is_loss else returns.mean(axis=0) / _STEP**step
    unit = max(float(np.abs(returns).mean()), float(np.abs(expected).max())) or 1.0
    program = TailProgram(returns, known.confidence, price / unit, expected / unit, limits, before)
    values = program.solve()[1]
    return before if values is None else program.start(values.weights)
