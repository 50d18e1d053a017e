"""A worker process: it owns its compiled problems, answers one job after the other, and dies with its parent."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from services.optimizer.answers import Answer, Job, OptimizeCall, WarmUpJob
from shared.errors import ServiceError

# fork would copy gRPC's threads in the middle of whatever they hold.
_CONTEXT = multiprocessing.get_context("spawn")
# The active one and some that callers name.
_SNAPSHOTS_KEPT = 4
# The pool decides when a worker stops; Ctrl-C and a supervisor's SIGTERM reach the whole process group.
_PARENTS_SIGNALS = {signal.SIGINT, signal.SIGTERM}


@dataclass(frozen=True)
class Fault:
    """A bug in the worker, with its traceback."""

    detail: str


Reply = Answer | ServiceError | Fault


@dataclass(frozen=True, eq=False)
class Replied:
    """The reply to a job and the seconds of the processor that it took."""

    reply: Reply
    seconds: float


def start_worker(compiled_problems: int, snapshots: Path) -> tuple[BaseProcess, Connection]:
    """Return a new worker process and the connection on which it takes lists of Job and sends lists of Replied.

    compiled_problems: how many it keeps.  snapshots: the folder of the market snapshots that calls name.
    """
    ours, theirs = _CONTEXT.Pipe()
    given = theirs, compiled_problems, snapshots
    process = _CONTEXT.Process(target=_serve, args=given, name="optimizer-worker", daemon=True)
    # The mask is inherited; a handler set by the child itself would come after a second of imports.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _PARENTS_SIGNALS)
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    theirs.close()
    return process, ours


def _serve(connection: Connection, compiled_problems: int, snapshots: Path) -> None:
    threading.Thread(target=_die_with_parent, daemon=True).start()
    # Here and not above: the parent imports this module too, and has no use for cvxpy and its 90 MB.
    from services.optimizer.engine import answer
    from services.optimizer.market import MarketStore
    from services.optimizer.optimize_call import answer_call
    from services.optimizer.solve import Solver

    solver, store = Solver(compiled_problems), MarketStore(snapshots, _SNAPSHOTS_KEPT)

    def work(job: Job) -> Answer:
        if isinstance(job, WarmUpJob) and job.snapshot:
            # Where it cannot be read, the call that names it says so.
            with contextlib.suppress(ServiceError):
                store.market(job.snapshot)
        return answer_call(job, store, solver) if isinstance(job, OptimizeCall) else answer(job, solver)

    while True:
        try:
            jobs: list[Job] = connection.recv()
        except EOFError:
            return
        connection.send([_replied(work, job) for job in jobs])


def _replied(work: Callable[[Job], Answer], job: Job) -> Replied:
    started = time.thread_time()
    return Replied(_reply(work, job), time.thread_time() - started)


def _reply(work: Callable[[Job], Answer], job: Job) -> Reply:
    try:
        return work(job)
    except ServiceError as error:
        return error
    except Exception:
        return Fault(traceback.format_exc())


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)
