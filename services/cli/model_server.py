"""The model server as a child: what it is doing now, as it reports it."""

from __future__ import annotations

import json
import signal
import socket
from dataclasses import dataclass
from pathlib import Path

from services.cli.child import Child, Command

MODEL = "model"
# It gives requests in flight 30 s and vLLM itself 10 s more before it kills; then it ends.
_GRACE_SECONDS = 45.0


@dataclass(frozen=True)
class ModelProgress:
    """The last thing the model server reported.

    event:  `environment.progress`, `weights.start`, `server.ready`, `error`, ...; empty before the first.
    detail: in words.
    """

    event: str = ""
    detail: str = ""

    @property
    def is_ready(self) -> bool:
        """Tell whether vLLM takes requests."""
        return self.event == "server.ready"


def free_port() -> int:
    """Return a port of the loopback address that nothing uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def model_command(port: int) -> Command:
    """Return the command that prepares the model once and serves it on this port."""
    arguments = ("-m", "services.model", "serve", "--port", str(port), "--json")
    # It has children of its own to stop, so it is asked to end, not killed, when this process dies.
    return Command(MODEL, arguments, {}, signal.SIGTERM, _GRACE_SECONDS)


def model_progress(child: Child) -> ModelProgress:
    """Return what the model server reported last; an ended one has the event `error` and its last words."""
    last = last_event(child.output)
    if child.exit_status is None or last.event == "error":
        return last
    return ModelProgress("error", child.tail() or f"ended with exit status {child.exit_status}")


def last_event(output: Path) -> ModelProgress:
    """Return the last whole line of JSON in a file of events."""
    for line in reversed(output.read_text(encoding="utf-8", errors="replace").splitlines()):
        try:
            event = json.loads(line)
            return ModelProgress(str(event["event"]), str(event.get("detail", "")))
        except (ValueError, KeyError, TypeError):
            continue
    return ModelProgress()
