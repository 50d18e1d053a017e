"""A worker process: it owns its compiled problems, answers one job at a time, and dies with its parent."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from services.optimizer.answers import Answer, Job
from shared.errors import ServiceError

# fork would copy gRPC's threads in the middle of whatever they hold.
_CONTEXT = multiprocessing.get_context("spawn")
# The pool decides when a worker stops; Ctrl-C and a supervisor's SIGTERM reach the whole process group.
_PARENTS_SIGNALS = {signal.SIGINT, signal.SIGTERM}


@dataclass(frozen=True)
class Fault:
    """A bug in the worker, with its traceback."""

    detail: str


Reply = Answer | ServiceError | Fault


def start_worker(compiled_problems: int) -> tuple[BaseProcess, Connection]:
    """Return a new worker process and the connection on which it takes a Job and sends a Reply."""
    ours, theirs = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=_serve, args=(theirs, compiled_problems), name="optimizer-worker", daemon=True)
    # The mask is inherited; a handler set by the child itself would come after a second of imports.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _PARENTS_SIGNALS)
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    theirs.close()
    return process, ours


def _serve(connection: Connection, compiled_problems: int) -> None:
    threading.Thread(target=_die_with_parent, daemon=True).start()
    # Here and not above: the parent imports this module too, and has no use for cvxpy and its 90 MB.
    from services.optimizer.engine import answer
    from services.optimizer.solve import Solver

    solver = Solver(compiled_problems)
    while True:
        try:
            job: Job = connection.recv()
        except EOFError:
            return
        connection.send(_reply(partial(answer, job, solver)))


def _reply(work: Callable[[], Answer]) -> Reply:
    try:
        return work()
    except ServiceError as error:
        return error
    except Exception:
        return Fault(traceback.format_exc())


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)
