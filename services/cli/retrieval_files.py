"""Which files of this machine an import sends: in a fixed order, without following links."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.cli.errors import CliError, Problem
from services.cli.retrieval_output import printable

# What the retrieval service reads, how long a path it takes and how large a file.
ENDINGS = (".csv", ".docx", ".htm", ".html", ".markdown", ".md", ".pdf", ".tsv")
LONGEST_NAME = 400
LARGEST_FILE = 50 << 20
SIDECAR = ".yaml"


@dataclass(frozen=True)
class Sent:
    """A file, and its path below the folder that was named, which the document's id follows from."""

    name: str
    path: Path


@dataclass(frozen=True)
class LeftOut:
    """A file that is not sent. is_fault: it looks like a document that was meant, and can be mended."""

    name: str
    reason: str
    is_fault: bool


@dataclass(frozen=True)
class Found:
    """The files to send, each sidecar behind its document, and what is left out."""

    sent: tuple[Sent, ...]
    left_out: tuple[LeftOut, ...]


def find_files(paths: Sequence[Path]) -> Found:
    """Return the documents that files and folders hold; raise CliError for a path that is none, or a name twice."""
    missing = [Problem(str(path), "no such file or folder") for path in paths if not path.exists()]
    if missing:
        raise CliError("the import cannot be made:", problems=missing)
    sent: list[Sent] = []
    left_out: list[LeftOut] = []
    for path in paths:
        # A file that was named is meant, be it a link or of no known format; what a folder holds may not be.
        candidates = _below(path, left_out) if path.is_dir() else [Sent(path.name, path)]
        for one in candidates:
            _sort(one, sent, left_out, is_named=not path.is_dir())
    return Found(_once(sent), tuple(left_out))


def _below(folder: Path, left_out: list[LeftOut]) -> list[Sent]:
    def unreadable(error: OSError) -> None:
        name = Path(error.filename).relative_to(folder).as_posix()
        left_out.append(LeftOut(name, f"not readable ({error.strerror}); correct its access", is_fault=True))

    found = []
    for parent, folders, files in os.walk(folder, onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        # A link to a folder stands among the folders and is not entered.
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        for name in (*files, *links):
            if not name.startswith("."):
                path = Path(parent) / name
                found.append(Sent(path.relative_to(folder).as_posix(), path))
    return sorted(found, key=lambda one: one.name)


def _sort(one: Sent, sent: list[Sent], left_out: list[LeftOut], *, is_named: bool) -> None:
    """Put a file and its sidecar to those that are sent, or to those that are left out."""
    if one.name.endswith(SIDECAR) and _is_document(one.name.removesuffix(SIDECAR)):
        if not one.path.with_suffix("").exists():
            left_out.append(LeftOut(one.name, "describes a file that is not there", is_fault=is_named))
        return
    sidecar = Sent(one.name + SIDECAR, one.path.with_name(one.path.name + SIDECAR))
    files = [one, sidecar] if sidecar.path.is_symlink() or sidecar.path.exists() else [one]
    refusals = [refusal for file in files for refusal in _refusals(file, is_named=is_named)]
    if not refusals:
        sent += files
    elif refusals[0].name == one.name:
        left_out.append(refusals[0])
    else:
        # Without what stands beside it, a document would claim another source, trust or day.
        left_out.append(LeftOut(one.name, f"{sidecar.name} {refusals[0].reason}", is_fault=True))


def _refusals(one: Sent, *, is_named: bool) -> Iterator[LeftOut]:
    """Yield what speaks against sending a file, the first reason first."""
    if one.path.is_symlink() and not (is_named and one.path.exists()):
        yield LeftOut(one.name, "is a symbolic link, which is not followed", is_fault=False)
        return
    if not stat.S_ISREG(one.path.stat().st_mode):
        yield LeftOut(one.name, "is no ordinary file", is_fault=is_named)
    if not _is_document(one.name.removesuffix(SIDECAR)):
        yield LeftOut(one.name, f"is of no known format ({', '.join(ENDINGS)}); convert it", is_fault=is_named)
    if one.name.startswith("."):
        yield LeftOut(one.name, "begins with a dot; rename it", is_fault=True)
    if printable(one.name) != one.name or len(one.name) > LONGEST_NAME:
        reason = f"has a name that is not readable or longer than {LONGEST_NAME} characters; rename it"
        yield LeftOut(one.name, reason, is_fault=True)
    if not os.access(one.path, os.R_OK):
        yield LeftOut(one.name, "not readable; correct its access", is_fault=True)
    if one.path.stat().st_size > LARGEST_FILE:
        reason = f"holds more than {LARGEST_FILE >> 20} MiB; split it or make it smaller"
        yield LeftOut(one.name, reason, is_fault=True)


def _is_document(name: str) -> bool:
    return Path(name).suffix.lower() in ENDINGS


def _once(sent: Sequence[Sent]) -> tuple[Sent, ...]:
    """Return each file once; raise CliError where two files have one name."""
    by_name: dict[str, Sent] = {}
    problems = []
    for one in sent:
        other = by_name.setdefault(one.name, one)
        if not other.path.samefile(one.path):
            reason = f"found twice: {other.path} and {one.path}; name the folder that holds both, or rename one"
            problems.append(Problem(one.name, reason))
    if problems:
        raise CliError("the import cannot be made:", problems=problems)
    return tuple(by_name.values())
