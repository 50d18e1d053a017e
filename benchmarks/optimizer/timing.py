"""CPU time of works that are called in turn, so that the machine's load falls on all alike."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

_SECONDS = 1.5


def by_turns(*works: Callable[[], Any]) -> list[float]:
    """Return the CPU milliseconds of each work's best call: what a load on the machine disturbs least."""
    best = [float("inf")] * len(works)
    started = time.monotonic()
    while time.monotonic() - started < _SECONDS:
        for place, work in enumerate(works):
            before = time.process_time()
            work()
            best[place] = min(best[place], 1e3 * (time.process_time() - before))
    return best
