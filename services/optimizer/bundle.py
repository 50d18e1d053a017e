"""Which jobs go to a worker together: short ones, so that processes change places on a processor less often.

What a process has in the caches of a processor is likely lost to the next one: see docs/adr/0008 for what it costs.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from dataclasses import dataclass

from services.optimizer.answers import Job
from services.optimizer.pace import Pace
from services.optimizer.worker import Reply
from services.optimizer.worker_handle import WorkerHandle

# All jobs of a bundle are answered when the last one is: none waits longer for it than this, as far as is known.
_BUNDLE_SECONDS = 0.02


@dataclass(eq=False)
class Ticket:
    """A job and the reply that somebody waits for.

    worker: that works on it.  is_returned: whether a worker was gone before it took it.
    is_alone: whether a worker ended over it and others, so that it must not be given to one with others again.
    """

    job: Job
    reply: asyncio.Future[Reply]
    worker: WorkerHandle | None = None
    is_alone: bool = False
    is_returned: bool = False


def next_bundle(waiting: deque[Ticket], pace: Pace, workers: int) -> list[Ticket]:
    """Take from the left of `waiting` what one of so many workers is to do next; at least one ticket."""
    share = -(-len(waiting) // workers)
    bundle = [waiting.popleft()]
    left = -math.inf if bundle[0].is_alone else _BUNDLE_SECONDS - pace.longest(bundle[0].job)
    while len(bundle) < share and not waiting[0].is_alone:
        left -= pace.longest(waiting[0].job)
        if left < 0.0:
            break
        bundle.append(waiting.popleft())
    return bundle
