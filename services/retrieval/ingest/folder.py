"""The files of a folder that may be documents, in a fixed order, without a way out of the folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from services.retrieval.formats.extract import Unreadable
from services.retrieval.formats.read import SUFFIXES
from shared.problems import Problem

SIDECAR = ".yaml"


def files_of(folder: Path) -> tuple[list[Path], list[Problem]]:
    """Return the documents below a folder by path, and what is there and is none.

    Names that begin with a dot are passed over. Symbolic links are refused: what they lead to may lie outside,
    or be here already.
    """
    problems: list[Problem] = []

    def unreadable(error: OSError) -> None:
        problems.append(Problem(name_of(folder, Path(error.filename)), "", f"not readable ({error.strerror})"))

    found = []
    for path in sorted(_paths(folder, unreadable), key=lambda path: path.relative_to(folder).as_posix()):
        if reason := _refusal(path):
            problems.append(Problem(name_of(folder, path), "", reason))
        elif not _is_sidecar(path):
            found.append(path)
    return found, problems


def name_of(folder: Path, path: Path) -> str:
    """Return how a problem names a file: by its path below the folder, readable whatever its bytes are."""
    return path.relative_to(folder).as_posix().encode("utf-8", "backslashreplace").decode()


def sidecar_of(path: Path) -> Path:
    """Return the file that states the fields of a document: `fund.pdf.yaml` beside `fund.pdf`."""
    return path.with_name(path.name + SIDECAR)


def read_bytes(path: Path, limit: int) -> bytes:
    """Return the content of an ordinary file of at most `limit` bytes. Raises Unreadable."""
    try:
        # Opened first and examined then, so that the file cannot be exchanged for another in between.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise Unreadable(f"not readable ({error.strerror}); correct its access") from error
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Unreadable("is no ordinary file; remove it")
        content = file.read(limit + 1)
    if len(content) > limit:
        raise Unreadable(f"holds more than {limit} bytes; split it or make it smaller")
    return content


def _paths(folder: Path, unreadable: Callable[[OSError], None]) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder, onerror=unreadable, followlinks=False):
        folders[:] = [name for name in folders if not name.startswith(".")]
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        for name in (*files, *links):
            if not name.startswith("."):
                yield Path(parent) / name


def _refusal(path: Path) -> str:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return "is a symbolic link; put the file itself into the folder"
    if not stat.S_ISREG(mode):
        return "is no ordinary file; remove it"
    if _is_sidecar(path):
        return "" if path.with_suffix("").exists() else "states the fields of a file that is not there; remove it"
    if path.suffix.lower() not in SUFFIXES:
        return f"is of no known format, expected one of {', '.join(SUFFIXES)}; convert or remove it"
    return ""


def _is_sidecar(path: Path) -> bool:
    return path.suffix == SIDECAR and path.with_suffix("").suffix.lower() in SUFFIXES
