"""The terminal: how wide, with or without colours, and what is shown while something takes its time."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.text import Text

MAX_WIDTH = 100  # Longer lines of prose are hard to read.
_LINE_EVERY_SECONDS = 10.0


def open_console(*, to_stderr: bool = False) -> Console:
    """Return a console no wider than 100 columns; without a terminal it has that width and no colours.

    to_stderr: where standard output belongs to a program that reads JSON.
    """
    console = Console(stderr=to_stderr, highlight=False, emoji=False, markup=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = MAX_WIDTH
    console.width = min(console.width, MAX_WIDTH)
    return console


def program() -> str:
    """Return how this command is called here: `fiducia`, or its path where the shell would not find it."""
    called = Path(sys.argv[0])
    if shutil.which("fiducia") or called.name != "fiducia":
        return "fiducia"
    here = Path.cwd()
    return str(called.resolve().relative_to(here)) if called.resolve().is_relative_to(here) else str(called)


Update = Callable[[str], None]


@contextmanager
def waiting(console: Console, text: str) -> Iterator[Update]:
    """Show that something goes on, during the block; the value changes the words.

    A terminal shows a spinner; a file gets a line when it starts and one every ten seconds, if the words changed.
    """
    if console.is_terminal:
        with console.status(Text(text)) as status:
            yield lambda words: status.update(Text(words))
        return
    yield _line_writer(console, text)


def _line_writer(console: Console, text: str) -> Update:
    shown, shown_at = text, time.monotonic()
    console.print(Text(f"… {text}"))

    def update(words: str) -> None:
        nonlocal shown, shown_at
        if words != shown and time.monotonic() - shown_at > _LINE_EVERY_SECONDS:
            shown, shown_at = words, time.monotonic()
            console.print(Text(f"… {words}"))

    return update
