"""Workers compile again when another market snapshot becomes the active one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import numpy as np
import pytest
import pytest_asyncio

from services.optimizer.answers import Job, OptimizeJob, Portfolio, WarmUpJob
from services.optimizer.objective import MinimumVariance
from services.optimizer.pool import WorkerPool
from services.optimizer.problem import Problem
from services.optimizer.worker_handle import Outcome, WorkerHandle
from tests.unit.optimizer.builders import dense_market, products

pytestmark = pytest.mark.asyncio(loop_scope="module")

Asked = list[tuple[int, Job]]
MARKET = dense_market([0.05] * 70, 0.04 * np.eye(70))
JOB = OptimizeJob(Problem("USD", products(70)), MARKET, MinimumVariance())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WorkerPool]:
    started = WorkerPool(workers=2, queue=4, compiled_problems=16, snapshots=tmp_path_factory.mktemp("market"))
    await started.start(WarmUpJob(1))
    yield started
    await started.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Record which worker is asked for what."""
    found: Asked = []
    give = WorkerHandle.give

    def recorded(worker: WorkerHandle, jobs: Sequence[Job], tell: Callable[[Outcome], None]) -> None:
        found.extend((worker.process.pid or 0, job) for job in jobs)
        give(worker, jobs, tell)

    monkeypatch.setattr(WorkerHandle, "give", recorded)
    return found


async def test_each_worker_compiles_once_for_the_new_market_with_the_sizes_in_use(
    pool: WorkerPool, asked: Asked
) -> None:
    await pool.run(JOB)

    await asyncio.wait_for(pool.warm_again(MARKET), 60.0)

    jobs = [(pid, job) for pid, job in asked if isinstance(job, WarmUpJob)]
    assert sorted(pid for pid, _ in jobs) == list(pool.process_ids)
    assert {job for _, job in jobs} == {WarmUpJob(72, ((70, 72),), MARKET.snapshot)}
    assert pool.idle == 2


async def test_requests_are_answered_between_the_workers_that_compile(pool: WorkerPool, asked: Asked) -> None:
    warming = asyncio.create_task(pool.warm_again(MARKET))

    answers = await asyncio.wait_for(asyncio.gather(*(pool.run(JOB) for _ in range(4))), 60.0)
    await asyncio.wait_for(warming, 60.0)

    assert all(isinstance(answer, Portfolio) for answer in answers)
    assert len({pid for pid, job in asked if isinstance(job, WarmUpJob)}) == 2
