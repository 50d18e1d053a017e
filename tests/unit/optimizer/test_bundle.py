from __future__ import annotations

import asyncio
from collections import deque

import pytest

from services.optimizer.answers import OptimizeCall
from services.optimizer.bundle import Ticket, next_bundle
from services.optimizer.pace import Pace

SHORT, LONG, UNKNOWN = (OptimizeCall(b"", "", product_count=count) for count in (10, 100, 1_000))


@pytest.fixture
def pace() -> Pace:
    pace = Pace()
    for seconds in (0.001, 0.004):
        pace.note(SHORT, seconds)
    pace.note(LONG, 0.5)
    return pace


def _tickets(*jobs: OptimizeCall) -> deque[Ticket]:
    loop = asyncio.new_event_loop()
    tickets = deque(Ticket(job, loop.create_future()) for job in jobs)
    loop.close()
    return tickets


def _sizes(waiting: deque[Ticket], pace: Pace, workers: int = 1) -> list[int]:
    sizes = []
    while waiting:
        sizes.append(len(next_bundle(waiting, pace, workers)))
    return sizes


def test_short_jobs_go_together_as_long_as_the_slowest_of_them_fit(pace: Pace) -> None:
    assert _sizes(_tickets(*[SHORT] * 12), pace) == [5, 5, 2]


def test_each_worker_gets_its_share(pace: Pace) -> None:
    assert len(next_bundle(_tickets(*[SHORT] * 6), pace, workers=2)) == 3


def test_long_jobs_and_unknown_ones_go_alone(pace: Pace) -> None:
    assert _sizes(_tickets(LONG, LONG, UNKNOWN, UNKNOWN), pace) == [1, 1, 1, 1]


def test_what_takes_all_the_time_it_gets_goes_alone(pace: Pace) -> None:
    search = OptimizeCall(b"", "", product_count=10, is_open_ended=True)
    pace.note(search, 5.0)

    assert _sizes(_tickets(search, SHORT, SHORT, search), pace) == [1, 2, 1]
    assert pace.longest(SHORT) < 5.0


def test_nobody_is_overtaken(pace: Pace) -> None:
    waiting = _tickets(SHORT, LONG, SHORT)
    order = list(waiting)

    taken = [ticket for _ in range(3) for ticket in next_bundle(waiting, pace, 1)]

    assert taken == order


def test_what_is_to_be_alone_is_alone(pace: Pace) -> None:
    waiting = _tickets(*[SHORT] * 3)
    waiting[1].is_alone = True

    assert _sizes(waiting, pace) == [1, 1, 1]
