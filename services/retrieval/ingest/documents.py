"""Documents of many formats in a folder; a bad file is reported and skipped, the rest goes in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from services.retrieval.formats.apart import Apart
from services.retrieval.formats.extract import Unreadable
from services.retrieval.formats.limits import LARGEST_FILE, LONGEST_HEADER
from services.retrieval.ingest.folder import files_of, name_of, read_bytes, sidecar_of
from services.retrieval.ingest.imported import Defaults, Sidecar, imported
from services.retrieval.ingest.markdown_file import load_fields
from services.retrieval.ingest.meant import meant_ids
from services.retrieval.passage import Document
from shared.problems import KnowledgeBaseError, Problem

# A sidecar may also name the encoding of a CSV, HTML or Markdown file.
_CHARSET = "charset"
# A character of UTF-8 takes at most four bytes.
_HEADER_BYTES = 4 * LONGEST_HEADER


@dataclass(frozen=True)
class Rejected:
    """A file that was left out, with all that is wrong with it.

    ids: those that the document in it may have had when it could be read; several where that cannot be told.
    """

    problems: tuple[Problem, ...]
    ids: frozenset[str] = frozenset()


@dataclass(frozen=True)
class FolderRead:
    """The documents in a folder by id, the path of each one's file by id, and the files left out."""

    documents: tuple[Document, ...]
    paths: Mapping[str, str]
    rejected: tuple[Rejected, ...]

    @property
    def problems(self) -> list[Problem]:
        """Return every problem of the files left out, in the order found."""
        return [problem for one in self.rejected for problem in one.problems]


def read_folder(
    folder: Path,
    defaults: Defaults,
    tell: Callable[[int, int], None] | None = None,
    parser: Apart | None = None,
) -> FolderRead:
    """Return the documents in a folder and below it, and the files that were left out.

    tell:   called with the number of files done and their total.
    parser: the process that parses; the caller's own is not stopped.
    Files are read in the order of their paths; of two with one id the first goes in.
    Raises KnowledgeBaseError where there is no such folder.
    """
    if not folder.is_dir():
        raise KnowledgeBaseError([Problem(str(folder), "", "no such folder; name the folder of the documents")])
    root = folder.resolve()
    files, problems = files_of(root)
    rejected = [Rejected((problem,)) for problem in problems]
    found: dict[str, tuple[str, Document]] = {}
    apart = parser or Apart()
    try:
        for done, path in enumerate(files, start=1):
            if wrong := _add(root, path, defaults, apart, found):
                rejected.append(Rejected(wrong, meant_ids(root, path)))
            if tell:
                tell(done, len(files))
    finally:
        if parser is None:
            apart.stop()
    ids = sorted(found)
    return FolderRead(tuple(found[key][1] for key in ids), {key: found[key][0] for key in ids}, tuple(rejected))


def read_document(root: Path, path: Path, defaults: Defaults, apart: Apart) -> Document:
    """Return the document in one file below `root`. Raises KnowledgeBaseError."""
    file = name_of(root, path)
    relative = PurePosixPath(path.relative_to(root).as_posix())
    sidecar = _sidecar(root, path)
    charset = sidecar.fields.pop(_CHARSET, "")
    if not isinstance(charset, str):
        raise KnowledgeBaseError([Problem(sidecar.file, _CHARSET, f"found {charset!r}, expected a name like gb18030")])
    try:
        extract = apart.extract(read_bytes(path, LARGEST_FILE), path.suffix.lower(), charset)
    except Unreadable as error:
        raise KnowledgeBaseError([Problem(file, "", str(error))]) from error
    return imported(relative, file, extract, sidecar, defaults)


def _add(
    root: Path, path: Path, defaults: Defaults, apart: Apart, found: dict[str, tuple[str, Document]]
) -> tuple[Problem, ...]:
    file = name_of(root, path)
    try:
        document = read_document(root, path, defaults, apart)
    except KnowledgeBaseError as error:
        return error.problems
    if document.id in found:
        return (Problem(file, "id", f"{document.id} is also the id of {found[document.id][0]}; state another"),)
    found[document.id] = file, document
    return ()


def _sidecar(root: Path, path: Path) -> Sidecar:
    beside = sidecar_of(path)
    name = name_of(root, beside)
    if not beside.exists() and not beside.is_symlink():
        return Sidecar(name, {})
    return Sidecar(name, _fields(beside, name))


def _fields(path: Path, name: str) -> dict[str, Any]:
    try:
        fields = load_fields(read_bytes(path, _HEADER_BYTES).decode("utf-8-sig"))
    except (Unreadable, yaml.YAMLError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise KnowledgeBaseError([Problem(name, "", f"not readable as YAML: {reason}; correct it")]) from error
    if not isinstance(fields, dict):
        raise KnowledgeBaseError([Problem(name, "", f"found {type(fields).__name__}, expected a mapping of fields")])
    return fields
