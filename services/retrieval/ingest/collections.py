"""Documents that came by other imports stay when one collection is built anew."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from services.retrieval.on_disk import kept_documents
from services.retrieval.passage import Document
from shared.problems import KnowledgeBaseError, Problem
from shared.snapshots import ACTIVE, SnapshotRefused, active_digest


def documents_of_active(root: Path) -> tuple[Document, ...]:
    """Return the documents of the active snapshot; none where there is none, or its folder is gone.

    Raises SnapshotRefused where they cannot be read: a new snapshot would lose what was imported, and nobody be told.
    """
    try:
        active = active_digest(root)
        if active is None or not (root / active).exists():
            return ()
        return tuple(kept_documents(root / active))
    except SnapshotRefused as error:
        raise SnapshotRefused(
            f"the documents imported into the active index cannot be taken over: {error}; activate another snapshot, "
            f"or remove the file {root / ACTIVE} to begin without them"
        ) from error


def with_other_collections(root: Path, documents: Sequence[Document], collection: str) -> tuple[Document, ...]:
    """Return these documents of a collection with those that the active snapshot has of other collections, by id.

    Raises KnowledgeBaseError where two collections use the same id, SnapshotRefused as documents_of_active does.
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
