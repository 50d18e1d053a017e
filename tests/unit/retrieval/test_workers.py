from __future__ import annotations

import asyncio
import threading

import pytest

from services.retrieval.workers import Workers
from shared.errors import CapacityExceeded


async def test_work_beyond_the_queue_is_refused_and_room_returns() -> None:
    workers = Workers(1, 1)
    release = threading.Event()
    running = asyncio.create_task(workers.run(release.wait))
    waiting = asyncio.create_task(workers.run(lambda: "done"))
    await asyncio.sleep(0)

    with pytest.raises(CapacityExceeded):
        await workers.run(lambda: "too much")

    release.set()
    assert await waiting == "done"
    assert await running is True
    assert await workers.run(lambda: "again") == "again"
    workers.close()


async def test_work_whose_caller_gave_up_while_it_waited_never_runs() -> None:
    workers = Workers(1, 1)
    release = threading.Event()
    ran = []
    running = asyncio.create_task(workers.run(release.wait))
    waiting = asyncio.create_task(workers.run(lambda: ran.append(1)))
    await asyncio.sleep(0)

    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    release.set()
    await running
    workers.close()

    assert ran == []


async def test_an_error_of_the_work_reaches_the_caller() -> None:
    workers = Workers(1, 0)

    with pytest.raises(ZeroDivisionError):
        await workers.run(lambda: 1 / 0)

    workers.close()
