"""The event loop's end of a worker process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from services.optimizer.answers import Job, WarmUpJob
from services.optimizer.worker import Replied, start_worker


class WorkerDied(Exception):
    """A worker process is gone, or what it sent could not be read."""


class WorkerGone(WorkerDied):
    """It ended before it took its jobs: they may be given to another."""


Outcome = list[Replied] | WorkerDied


class WorkerHandle:
    """One process and our end of its connection; it answers one bundle of jobs at a time.

    is_stopped: whether it is not to be given anything any more.  warmed: what it last compiled for.
    """

    def __init__(self, process: BaseProcess, connection: Connection) -> None:
        self.process = process
        self._connection = connection
        self.is_stopped = False
        self.warmed: WarmUpJob | None = None
        self._told: Callable[[Outcome], None] | None = None

    @classmethod
    async def start(cls, compiled_problems: int, snapshots: Path) -> WorkerHandle:
        """Start a process. Raises OSError."""
        return cls(*await asyncio.to_thread(start_worker, compiled_problems, snapshots))

    def give(self, jobs: Sequence[Job], tell: Callable[[Outcome], None]) -> None:
        """Send the jobs now; `tell` is called once with the replies in their order, and may give the next jobs."""
        self._told, loop = tell, asyncio.get_running_loop()
        try:
            self._connection.send(jobs)
            loop.add_reader(self._connection.fileno(), self._receive)
        except OSError as error:
            loop.call_soon(self._tell, WorkerGone(f"the worker process was gone ({error!r})"))
        except Exception as error:
            loop.call_soon(self._tell, WorkerDied(f"jobs could not be sent to the worker process ({error!r})"))

    async def ask(self, job: Job) -> Replied:
        """Return the reply to one job. Raises WorkerDied."""
        told: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.give([job], lambda outcome: None if told.done() else told.set_result(outcome))
        outcome = await told
        if isinstance(outcome, WorkerDied):
            raise outcome
        return outcome[0]

    def stop(self) -> None:
        """Kill the process; it is not to be given anything any more, even where it still replied."""
        self.is_stopped = True
        self.process.kill()

    async def close(self) -> None:
        """Kill the process and wait until it is gone; who waits for a reply is told."""
        self.stop()
        await asyncio.to_thread(self.process.join)
        self._tell(WorkerDied("the worker process was ended"))
        self._connection.close()

    def _receive(self) -> None:
        try:
            outcome: Outcome = self._connection.recv()
        except ConnectionResetError as error:
            # What the system says where the other side ended with bytes that it had not read.
            outcome = WorkerGone(f"the worker process was gone ({error!r})")
        except Exception as error:
            # The end of the process, or bytes that are no reply: either way this worker is lost.
            outcome = WorkerDied(f"the worker process ended in the middle of a job ({error!r})")
        self._tell(outcome)

    def _tell(self, outcome: Outcome) -> None:
        if self._told is None:
            return
        tell, self._told = self._told, None
        if not self._connection.closed:
            asyncio.get_running_loop().remove_reader(self._connection.fileno())
        tell(outcome)
