"""What ends a command with a message instead of a traceback, and the exit status it leaves.

0  done            2  something the user gave is wrong    130  interrupted
1  a fault         3  a service does not answer
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import grpc

from shared.status import reason_of, violations_of

FAULT = 1
BAD_INPUT = 2
SERVICE_DOWN = 3
INTERRUPTED = 130

_DOWN = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
_BAD_INPUT = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION)


@dataclass(frozen=True)
class Problem:
    """One wrong field: its path, then what was found and what to do. The path is empty for the whole."""

    field: str
    message: str


class CliError(Exception):
    """Ends a command: a headline, one line for each problem, an exit status."""

    def __init__(self, message: str, status: int = BAD_INPUT, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.problems = tuple(problems)


def from_call(error: grpc.aio.AioRpcError, service: str) -> CliError:
    """Return the failed call as an error to print; `service` is what was called, with its address."""
    code, details = error.code(), error.details() or ""
    if code in _DOWN:
        return CliError(f"{service} does not answer: {details}", SERVICE_DOWN)
    problems = [Problem(field, text) for field, text in violations_of(error)]
    if code in _BAD_INPUT:
        return CliError(f"{service} refused the request" if problems else details, BAD_INPUT, problems)
    return CliError(f"{service} failed: {reason_of(error) or code.name}: {details}", FAULT)
