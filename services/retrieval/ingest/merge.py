"""What an import makes of the documents that are there and those that are sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.retrieval.passage import Document
from shared.problems import Problem


class Mode(StrEnum):
    """What happens to the documents of the collection that are not sent: they stay, or they go."""

    MERGE = "MERGE"
    REPLACE = "REPLACE"


@dataclass(frozen=True)
class Merged:
    """All documents by id after an import, and the ids that it concerned.

    refused: documents sent whose id belongs to another collection.
    """

    documents: tuple[Document, ...]
    added: frozenset[str]
    changed: frozenset[str]
    deleted: frozenset[str]
    unchanged: frozenset[str]
    refused: tuple[Problem, ...]


def merged(
    existing: Sequence[Document], sent: Sequence[Document], collection: str, mode: Mode, delete: Iterable[str] = ()
) -> Merged:
    """Return the documents after an import into a collection.

    delete: ids of the collection that go; one that is sent at the same time stays.
    """
    own = {one.id: one for one in existing if one.collection == collection}
    others = {one.id: one for one in existing if one.collection != collection}
    taken = {one.id: one for one in sent if one.id not in others}
    kept = {} if mode is Mode.REPLACE else {key: one for key, one in own.items() if key not in set(delete)}
    after = kept | taken
    return Merged(
        documents=tuple(sorted((*others.values(), *after.values()), key=lambda one: one.id)),
        added=frozenset(taken.keys() - own.keys()),
        changed=frozenset(key for key in taken.keys() & own.keys() if taken[key] != own[key]),
        deleted=frozenset(own.keys() - after.keys()),
        unchanged=frozenset(key for key in taken.keys() & own.keys() if taken[key] == own[key]),
        refused=tuple(_refusal(one, others[one.id]) for one in sent if one.id in others),
    )


def _refusal(document: Document, other: Document) -> Problem:
    reason = f"is also the id of a document of the collection {other.collection}; state another"
    return Problem(document.id, "id", reason)
