"""What requests were lately like, so that workers compile for them before they come back under another market."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from services.optimizer.answers import FrontierJob, Job, OptimizeCall, OptimizeJob, WarmUpJob
from services.optimizer.moments import Market

# A house has a universe for each of a few offers; with the usual sizes these stay below what a worker keeps.
_SIZES_KEPT = 4


class SizesInUse:
    """Numbers of products that were lately optimised over the covariance of a market, the latest last.

    A covariance of the caller's own has the same shape whatever market is active.
    """

    def __init__(self) -> None:
        self._sizes: deque[int] = deque(maxlen=_SIZES_KEPT)

    def note(self, job: Job) -> None:
        """Remember the size of a portfolio problem; other jobs compile nothing."""
        size = _size_of(job)
        if size is None:
            return
        if size in self._sizes:
            self._sizes.remove(size)
        self._sizes.append(size)

    def sizes(self) -> tuple[int, ...]:
        """Return the numbers of products, the latest last."""
        return tuple(self._sizes)


def _size_of(job: Job) -> int | None:
    """Return over how many products of a market's covariance a portfolio is asked for, None where it is not."""
    if isinstance(job, OptimizeCall):
        return None if job.has_own_covariance else job.product_count
    if not isinstance(job, OptimizeJob | FrontierJob):
        return None
    estimates = job.problem.estimates
    return None if estimates is not None and estimates.has_covariance else len(job.problem.products)


def warm_up_for(market: Market, sizes: Iterable[int] = ()) -> WarmUpJob:
    """Return the job that compiles for this market: the usual problems, and those of these sizes.

    A market of prices is also taken to be asked about all its products.
    """
    every = [] if market.products is None else [len(market.products.product_ids)]
    counts = dict.fromkeys([*every, *sizes])
    sizes_in_use = tuple((count, market.factors_of(count)) for count in counts)
    return WarmUpJob(market.factor_count, sizes_in_use, market.snapshot)
