"""Documents that came by other imports stay when one collection is built anew."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from services.retrieval.manifest import read_manifest
from services.retrieval.passage import Document
from services.retrieval.snapshot_folder import read_documents_of
from shared.problems import KnowledgeBaseError, Problem
from shared.snapshots import SnapshotRefused, active_digest


def documents_of_active(root: Path) -> tuple[Document, ...]:
    """Return the documents of the active snapshot; none where there is no snapshot that can be read."""
    try:
        active = active_digest(root)
        if active is None:
            return ()
        read_manifest(root / active)
        return tuple(read_documents_of(root / active))
    except SnapshotRefused:
        return ()


def with_other_collections(root: Path, documents: Sequence[Document], collection: str) -> tuple[Document, ...]:
    """Return these documents of a collection with those that the active snapshot has of other collections, by id.

    Raises KnowledgeBaseError where two collections use the same id.
    """
    others = {one.id: one for one in documents_of_active(root) if one.collection != collection}
    problems = [
        Problem(one.id, "id", f"is also the id of a document of the collection {others[one.id].collection}; rename one")
        for one in documents
        if one.id in others
    ]
    if problems:
        raise KnowledgeBaseError(problems)
    return tuple(sorted((*documents, *others.values()), key=lambda one: one.id))
