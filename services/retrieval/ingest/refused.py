"""What of an import does not go in: each fault with the path of its file, or the id of its document."""

from __future__ import annotations

from collections.abc import Iterator

from services.retrieval.ingest.documents import FolderRead, Rejected
from services.retrieval.ingest.merge import Merged
from shared.problems import Problem

_DELETE = "delete_document_ids"


def refusals(read: FolderRead, after: Merged, collection: str) -> list[Problem]:
    """Return every fault, files first; `file` is a path below the folder, or an id that was to be taken out.

    Where an earlier version of a file that cannot be read stays in the index, its fault says so.
    """
    kept = {one.id for one in after.documents if one.collection == collection} - after.taken
    faults = [fault for one in read.rejected for fault in _of_file(one, kept)]
    faults += [_foreign(read.paths[key], key, other) for key, other in after.foreign.items()]
    faults += [Problem(key, _DELETE, _missing(collection)) for key in after.missing]
    return faults + [Problem(key, _DELETE, "is sent at the same time and stays; do either") for key in after.wanted]


def files_refused(read: FolderRead, after: Merged) -> int:
    """Return how many files did not go in; several faults of one file count once."""
    return len(read.rejected) + len(after.foreign)


def _of_file(one: Rejected, kept: set[str]) -> Iterator[Problem]:
    stays = "".join(f"; the document {key} stays as it was" for key in sorted(one.ids & kept))
    for problem in one.problems:
        yield Problem(problem.file, problem.field, problem.reason + stays)


def _foreign(path: str, key: str, collection: str) -> Problem:
    return Problem(path, "id", f"{key} is also the id of a document of the collection {collection}; state another")


def _missing(collection: str) -> str:
    return f"the collection {collection} holds no such document; list the documents"
