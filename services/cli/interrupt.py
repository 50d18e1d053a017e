"""Run a command so that Ctrl-C and SIGTERM end it in order, at any moment."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# What the shell reports for a program that a signal ended.
_SIGNAL_STATUS = 128


def run_interruptible(command: Coroutine[Any, Any, int], *, ends_by_sigterm: bool = False) -> int:
    """Return the command's exit status, or 128 and the signal's number after an orderly end (130 for Ctrl-C).

    The first signal cancels the command, whose cleaning up stops every child; the second cancels the cleaning up,
    which kills what is left.

    ends_by_sigterm: SIGTERM is the ordinary end of this command, so its status is 0.
    """
    status = asyncio.run(_with_signals(command))
    return 0 if ends_by_sigterm and status == _SIGNAL_STATUS + signal.SIGTERM else status


async def _with_signals(command: Coroutine[Any, Any, int]) -> int:
    task = asyncio.ensure_future(_status(command))
    received: list[signal.Signals] = []

    def cancel(number: signal.Signals) -> None:
        received.append(number)
        task.cancel()

    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, cancel, number)
    await asyncio.wait([task])
    if received:
        with contextlib.suppress(asyncio.CancelledError):
            task.result()
        return _SIGNAL_STATUS + received[0]
    return task.result()


async def _status(command: Coroutine[Any, Any, int]) -> int:
    """Return the command's status also where a library ends the program, as Rich does when nobody reads on.

    A SystemExit that left a task would stop the event loop in the middle of everything.
    """
    try:
        return await command
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
