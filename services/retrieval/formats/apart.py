"""Parse files in a process of their own, so that a file made to do harm costs a bounded time and nothing else."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from services.retrieval.formats.extract import Extract, Unreadable
from services.retrieval.formats.limits import LONGEST_SECONDS, LONGEST_TEXT

_COMMAND = (sys.executable, "-B", "-P", "-m", "services.retrieval.formats.child")
# A character takes at most 12 bytes in JSON; the rest of an answer is shorter than the text may be.
_LONGEST_ANSWER = 24 * LONGEST_TEXT


class Apart:
    """A parsing process, started when it is first needed and again after it was stopped or failed.

    seconds: how long one file may take.
    command: what is run, with the number of its socket as last argument.
    """

    def __init__(self, seconds: float = LONGEST_SECONDS, command: Sequence[str] = _COMMAND) -> None:
        self._seconds = seconds
        self._command = command
        self._running: tuple[subprocess.Popen[bytes], Connection] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.stop()

    def extract(self, data: bytes, suffix: str, charset: str = "") -> Extract:
        """Return the text of a file, as `read.extract` does. Raises Unreadable, also where the time is over."""
        try:
            answer = self._ask(data, suffix, charset)
        except (OSError, EOFError) as error:
            self.stop()
            raise Unreadable("made its parser fail; save it again in a plainer form") from error
        except BaseException:
            # The answer to this file must not be taken for that to the next one.
            self.stop()
            raise
        if "refused" in answer:
            raise Unreadable(answer["refused"])
        answer["pages"] = tuple(answer["pages"])
        return Extract(**answer)

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        if self._running:
            process, connection = self._running
            self._running = None
            connection.close()
            process.kill()
            process.wait()

    def _ask(self, data: bytes, suffix: str, charset: str) -> dict[str, Any]:
        connection = self._connection()
        connection.send_bytes(json.dumps({"suffix": suffix, "charset": charset}).encode())
        connection.send_bytes(data)
        if not connection.poll(self._seconds):
            raise Unreadable(f"takes longer than {self._seconds:g} seconds to read; split it or save it more plainly")
        answer: dict[str, Any] = json.loads(connection.recv_bytes(_LONGEST_ANSWER))
        return answer

    def _connection(self) -> Connection:
        if self._running is None:
            ours, theirs = socket.socketpair()
            # The parser needs our modules and none of our settings, some of which are secrets.
            environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
            with theirs:
                process = subprocess.Popen(
                    [*self._command, str(theirs.fileno())],
                    env=environment,
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            self._running = process, Connection(ours.detach())
        return self._running[1]
