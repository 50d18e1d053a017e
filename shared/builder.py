"""What the programs that build from the knowledge base say: progress as JSON lines, a line for each problem."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from shared.problems import KnowledgeBaseError
from shared.snapshots import SnapshotRefused

REFUSED = 2
_REFUSALS: tuple[type[Exception], ...] = (KnowledgeBaseError, SnapshotRefused)

Tell = Callable[[str, Mapping[str, object]], None]


def tell(event: str, details: Mapping[str, object]) -> None:
    """Print one event of the work; the last one of a program that succeeds is "done", with the digest."""
    print(json.dumps({"event": event, **details}), flush=True)


def exit_status(build: Callable[[], object], out: Path, refusals: tuple[type[Exception], ...] = ()) -> int:
    """Build and return 0; where it is refused, print each problem on standard error and return 2.

    out: the folder that is written to.  refusals: what else `build` raises whose message is meant to be read.
    """
    try:
        build()
    except _REFUSALS + refusals as error:
        print(error, file=sys.stderr)
        return REFUSED
    except OSError as error:
        print(f"{out}: cannot be written: {error}; free space or name another folder", file=sys.stderr)
        return REFUSED
    return 0
