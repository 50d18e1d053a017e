"""How long jobs took lately, to refuse at once what cannot be in time."""

from __future__ import annotations

import math
from collections import deque

from services.optimizer.answers import FrontierJob, Job, OptimizeCall, OptimizeJob
from services.optimizer.backtest.run import BacktestJob
from services.optimizer.goal import GoalJob
from services.optimizer.price_import import ImportJob
from services.optimizer.rebalance.problem import RebalanceProblem
from services.optimizer.risk_report import RiskJob

_REMEMBERED = 20
# Each refusal makes the estimate this much smaller, so that after a slow spell a job is tried again.
_EASE = 0.9

_Kind = tuple[str, int]


class Pace:
    """Remembers durations by kind of job; an estimate is the shortest of the last few, a bound from below."""

    def __init__(self) -> None:
        self._durations: dict[_Kind, deque[float]] = {}
        self._eased: dict[_Kind, float] = {}

    def note(self, job: Job, seconds: float) -> None:
        """Remember how many seconds of the processor such a job took; what takes all it gets says nothing."""
        if _is_open_ended(job):
            return
        kind = _kind(job)
        self._durations.setdefault(kind, deque(maxlen=_REMEMBERED)).append(seconds)
        self._eased.pop(kind, None)

    def seconds(self, job: Job, ahead: int = 0) -> float:
        """Return the least time until such a job is done, with `ahead` others before it on its worker."""
        own = self._shortest(_kind(job))
        others = min((self._shortest(kind) for kind in self._durations), default=0.0)
        return own + ahead * others

    def longest(self, job: Job) -> float:
        """Return the most that such jobs took of late; infinity where nothing is known or the job takes all it gets."""
        if _is_open_ended(job):
            return math.inf
        return max(self._durations.get(_kind(job), ()), default=math.inf)

    def ease(self, job: Job) -> None:
        """Trust the memory a little less."""
        kind = _kind(job)
        self._eased[kind] = _EASE * self._shortest(kind)

    def _shortest(self, kind: _Kind) -> float:
        known = min(self._durations.get(kind, ()), default=0.0)
        return min(known, self._eased.get(kind, known))


def _is_open_ended(job: Job) -> bool:
    """Return whether the job works until its deadline if need be: on positions, resamples or costs of limits."""
    if isinstance(job, OptimizeCall):
        return job.is_open_ended
    if not isinstance(job, OptimizeJob):
        return False
    return job.problem.limits.positions is not None or job.resamples > 0 or job.with_limit_costs


def _kind(job: Job) -> _Kind:
    """Return the sort of job and its size, to the next power of two."""
    match job:
        case OptimizeJob(problem=problem):
            size = len(problem.products)
        case OptimizeCall(product_count=size):
            pass
        case FrontierJob(problem=problem, point_count=points):
            size = len(problem.products) * points
        case GoalJob(goal=goal, sampling=sampling):
            size = goal.months * sampling.path_count
        case RebalanceProblem(products=products, lots=lots):
            size = len(products) + len(lots)
        case BacktestJob(history=history):
            size = len(history) * len(history.product_ids)
        case ImportJob(content=content):
            size = len(content)
        case RiskJob(problem=problem):
            size = len(problem.products)
        case _:
            size = 0
    name = OptimizeJob.__name__ if isinstance(job, OptimizeCall) else type(job).__name__
    return name, size.bit_length()
