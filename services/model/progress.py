"""Progress of preparing and serving, as lines for a person or as JSON lines for a program."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TextIO

Report = Callable[[str, str], None]
"""Takes the event (`environment.start`, `weights.ready`, `server.ready`, ...) and a detail in words."""


def silent(event: str, detail: str) -> None:
    """Report nothing."""


def human_lines(stream: TextIO) -> Report:
    """Report each event as one line with the seconds since now: `  12.3 s  server ready: http://...`."""
    started = time.monotonic()

    def report(event: str, detail: str) -> None:
        print(f"{time.monotonic() - started:6.1f} s  {event.replace('.', ' ')}: {detail}", file=stream, flush=True)

    return report


def json_lines(stream: TextIO) -> Report:
    """Report each event as one JSON object on a line: event, detail and the seconds since now."""
    started = time.monotonic()

    def report(event: str, detail: str) -> None:
        seconds = round(time.monotonic() - started, 3)
        line = json.dumps({"event": event, "detail": detail, "seconds": seconds}, ensure_ascii=False)
        print(line, file=stream, flush=True)

    return report
