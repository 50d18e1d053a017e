"""Short jobs go to a worker together, and none of them is lost with another."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from services.optimizer.answers import Frontier, FrontierJob, Job, OptimizeCall, OptimizeJob, Portfolio, WarmUpJob
from services.optimizer.objective import MeanVarianceUtility, MinimumVariance
from services.optimizer.pool import WorkerPool
from services.optimizer.problem import Problem
from services.optimizer.worker_handle import Outcome, WorkerDied, WorkerHandle
from shared.errors import NotReady, ServiceError
from tests.unit.optimizer.builders import dense_market, products

pytestmark = pytest.mark.asyncio(loop_scope="module")

Given = list[Sequence[Job]]
MARKET = dense_market([0.05] * 4, 0.04 * np.eye(4))
JOB = OptimizeJob(Problem("USD", products(4)), MARKET, MinimumVariance())
FIRST = FrontierJob(Problem("USD", products(4)), MARKET, 30)
LONG = OptimizeJob(Problem("USD", products(4)), MARKET, MeanVarianceUtility(2.0), resamples=5_000)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WorkerPool]:
    started = WorkerPool(workers=1, queue=20, compiled_problems=8, snapshots=tmp_path_factory.mktemp("market"))
    await started.start(WarmUpJob(1))
    for _ in range(25):
        await started.run(JOB)
    yield started
    await started.close()


def _record(monkeypatch: pytest.MonkeyPatch, and_then: Callable[[WorkerHandle, Sequence[Job]], None]) -> Given:
    """Record what workers are given; `and_then` is called after each."""
    found: Given = []
    give = WorkerHandle.give

    def recorded(worker: WorkerHandle, jobs: Sequence[Job], tell: Callable[[Outcome], None]) -> None:
        found.append(jobs)
        give(worker, jobs, tell)
        and_then(worker, jobs)

    monkeypatch.setattr(WorkerHandle, "give", recorded)
    return found


async def test_short_jobs_that_wait_are_given_together(pool: WorkerPool, monkeypatch: pytest.MonkeyPatch) -> None:
    given = _record(monkeypatch, lambda _worker, _jobs: None)

    _, *answers = await asyncio.gather(pool.run(FIRST), *(pool.run(JOB) for _ in range(6)))

    assert all(isinstance(answer, Portfolio) for answer in answers)
    assert len(given[0]) == 1
    assert max(len(jobs) for jobs in given) > 1
    assert sum(len(jobs) for jobs in given) == 7


async def test_jobs_whose_worker_ends_are_tried_again_each_by_itself(
    pool: WorkerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill_over_several(worker: WorkerHandle, jobs: Sequence[Job]) -> None:
        if len(jobs) > 1:
            worker.process.kill()

    given = _record(monkeypatch, kill_over_several)

    _, *answers = await asyncio.gather(pool.run(FIRST), *(pool.run(JOB) for _ in range(3)))

    assert all(isinstance(answer, Portfolio) for answer in answers)
    # Twice at the most: the first time the worker may have been gone before it took them.
    together = sum(len(jobs) == 3 for jobs in given)
    assert together in (1, 2)
    assert [jobs for jobs in given if isinstance(jobs[0], OptimizeJob)] == [[JOB] * 3] * together + [[JOB]] * 3


async def test_a_job_that_ends_its_worker_fails_and_is_not_tried_again(
    pool: WorkerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill_at_work(worker: WorkerHandle, jobs: Sequence[Job]) -> None:
        if jobs == [LONG]:
            asyncio.get_running_loop().call_later(0.05, worker.process.kill)

    given = _record(monkeypatch, kill_at_work)

    with pytest.raises(WorkerDied):
        await pool.run(LONG)

    assert given.count([LONG]) == 1


async def test_a_cancelled_job_takes_no_other_with_it(pool: WorkerPool) -> None:
    first = asyncio.create_task(pool.run(FIRST))
    tasks = [asyncio.create_task(pool.run(JOB)) for _ in range(4)]
    await asyncio.sleep(0)

    tasks[1].cancel()
    found = await asyncio.gather(first, *tasks, return_exceptions=True)

    assert [type(one) for one in found[1:]] == [Portfolio, asyncio.CancelledError, Portfolio, Portfolio]


async def test_a_worker_that_was_gone_before_costs_no_job(pool: WorkerPool) -> None:
    (victim,) = pool.process_ids
    os.kill(victim, signal.SIGKILL)

    assert isinstance(await pool.run(JOB), Portfolio)
    assert victim not in pool.process_ids


async def test_a_worker_that_was_stopped_while_it_replied_is_replaced(
    pool: WorkerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = list[int]()
    told = WorkerHandle._tell

    def stop_and_tell(worker: WorkerHandle, outcome: Outcome) -> None:
        if not stopped:
            stopped.append(worker.process.pid or 0)
            worker.stop()
        told(worker, outcome)

    monkeypatch.setattr(WorkerHandle, "_tell", stop_and_tell)

    answers = [await pool.run(JOB) for _ in range(2)]

    assert all(isinstance(answer, Portfolio) for answer in answers)
    assert not set(stopped) & set(pool.process_ids)


async def test_a_job_that_cannot_be_sent_fails_alone(pool: WorkerPool) -> None:
    unsendable = replace(JOB, deadline=lambda: None)  # type: ignore[arg-type]

    found = await asyncio.gather(pool.run(JOB), pool.run(unsendable), pool.run(JOB), return_exceptions=True)

    assert [type(one) for one in found] == [Portfolio, WorkerDied, Portfolio]


async def test_a_refusal_leaves_no_trace_in_what_is_known_of_requests(pool: WorkerPool) -> None:
    before = pool._in_use.sizes(), pool._pace.seconds(JOB)
    refused = OptimizeCall(b"no message", MARKET.snapshot, product_count=4)

    for _ in range(3):
        with pytest.raises((RuntimeError, ServiceError)):
            await pool.run(refused)

    assert (pool._in_use.sizes(), pool._pace.seconds(JOB)) == before


async def test_a_warm_up_that_fails_keeps_no_worker_from_starting(pool: WorkerPool) -> None:
    with pytest.raises(RuntimeError):
        await pool._crew.warm_again(WarmUpJob(-1))  # Fewer factors than none cannot be compiled for.

    assert isinstance(await asyncio.wait_for(pool.run(JOB), 60.0), Portfolio)


async def test_a_worker_that_is_lost_meanwhile_is_warmed_again_like_the_others(
    pool: WorkerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = _record(monkeypatch, lambda _worker, _jobs: None)
    warm_up = WarmUpJob(2)
    os.kill(pool.process_ids[0], signal.SIGKILL)

    await asyncio.wait_for(pool._crew.warm_again(warm_up), 60.0)

    assert [warm_up] in given
    assert all(worker.warmed is warm_up for worker in pool._crew._workers)


async def test_a_closed_pool_refuses_and_stays_closed(tmp_path: Path) -> None:
    closed = WorkerPool(workers=2, queue=2, compiled_problems=2, snapshots=tmp_path)
    await closed.start(WarmUpJob(1))
    running = asyncio.create_task(closed.run(FIRST))
    warming = asyncio.create_task(closed.warm_again(MARKET))
    await asyncio.sleep(0)

    await closed.close()

    found = await asyncio.gather(running, warming, return_exceptions=True)
    assert isinstance(found[0], NotReady | Frontier)
    with pytest.raises(NotReady):
        await closed.run(JOB)
    assert (closed.idle, closed.process_ids) == (0, ())
