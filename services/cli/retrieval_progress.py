"""How far an import has come: a bar for each stage on a terminal, else a line now and then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fiducia.retrieval.v1 import import_pb2
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from services.cli.retrieval_output import counted
from services.cli.terminal import waiting

_STAGES = {
    import_pb2.IMPORT_STAGE_RECEIVING: "receiving files",
    import_pb2.IMPORT_STAGE_READING: "reading documents",
    import_pb2.IMPORT_STAGE_EMBEDDING: "embedding passages",
    import_pb2.IMPORT_STAGE_WRITING: "writing passages",
}
_WIDEST = max(map(len, _STAGES.values()))

Tell = Callable[[import_pb2.ImportProgress], None]


@contextmanager
def telling(console: Console, files: int) -> Iterator[Tell]:
    """Show what the import tells during the block; files: how many are sent, which the service cannot know."""
    if not console.is_terminal:
        with waiting(console, f"importing {counted(files, 'file')}") as update:
            yield lambda progress: update(progress_words(progress, files))
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        bars = Bars(progress, files)
        yield bars.show
        bars.fill()


def progress_words(progress: import_pb2.ImportProgress, files: int) -> str:
    """Return `embedding passages 64 of 2,133`."""
    total = _total(progress, files)
    words = _STAGES.get(progress.stage, "working")
    return f"{words} {progress.done:,} of {total:,}" if total else words


class Bars:
    """A bar for each stage, and for each encoder one of its own; a stage that is over has a full bar."""

    def __init__(self, progress: Progress, files: int) -> None:
        self._progress = progress
        self._files = files
        self._last: import_pb2.ImportProgress | None = None
        self._bar: TaskID | None = None

    def show(self, told: import_pb2.ImportProgress) -> None:
        """Move the bar of the stage, after filling that of the stage before."""
        total = _total(told, self._files)
        if not total:
            return
        # A stage that counts from the start again works with the next encoder.
        if self._last is None or told.stage != self._last.stage or told.done < self._last.done:
            self.fill()
            self._bar = self._progress.add_task(f"{_STAGES.get(told.stage, 'working'):{_WIDEST}}", total=total)
        self._last = told
        assert self._bar is not None
        self._progress.update(self._bar, completed=told.done, total=total)

    def fill(self) -> None:
        """Fill the bar of the stage that is over."""
        if self._bar is not None and self._last is not None:
            self._progress.update(self._bar, completed=_total(self._last, self._files))


def _total(progress: import_pb2.ImportProgress, files: int) -> int:
    return files if progress.stage == import_pb2.IMPORT_STAGE_RECEIVING else progress.total
