"""What an import makes of the documents that are there and those that are sent."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.retrieval.passage import Document


class Mode(StrEnum):
    """What happens to the documents of the collection that are not sent: they stay, or they go."""

    MERGE = "MERGE"
    REPLACE = "REPLACE"


@dataclass(frozen=True)
class Merged:
    """All documents by id after an import, and the ids that it concerned.

    foreign: sent under an id that belongs to another collection, by the name of that collection; left out.
    missing: to be taken out, and not in the collection.
    wanted:  to be taken out and sent at the same time; they stay.
    """

    documents: tuple[Document, ...]
    added: frozenset[str]
    changed: frozenset[str]
    deleted: frozenset[str]
    unchanged: frozenset[str]
    foreign: dict[str, str]
    missing: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()

    @property
    def taken(self) -> frozenset[str]:
        """Return the ids of the documents sent that are in the index now."""
        return self.added | self.changed | self.unchanged


def merged(
    existing: Sequence[Document],
    sent: Sequence[Document],
    collection: str,
    mode: Mode,
    delete: Collection[str] = (),
    unread: Collection[str] = (),
) -> Merged:
    """Return the documents after an import into a collection.

    delete: ids of the collection that go.
    unread: ids of documents that were sent and cannot be read this time: what is there under them stays.
    """
    own = {one.id: one for one in existing if one.collection == collection}
    others = {one.id: one for one in existing if one.collection != collection}
    taken = {one.id: one for one in sent if one.id not in others}
    stay = set(own if mode is Mode.MERGE else unread) - set(delete)
    after = {key: one for key, one in own.items() if key in stay} | taken
    return Merged(
        documents=tuple(sorted((*others.values(), *after.values()), key=lambda one: one.id)),
        added=frozenset(taken.keys() - own.keys()),
        changed=frozenset(key for key in taken.keys() & own.keys() if taken[key] != own[key]),
        deleted=frozenset(own.keys() - after.keys()),
        unchanged=frozenset(key for key in taken.keys() & own.keys() if taken[key] == own[key]),
        foreign={one.id: others[one.id].collection for one in sent if one.id in others},
        missing=tuple(key for key in dict.fromkeys(delete) if key not in own and key not in taken),
        wanted=tuple(key for key in dict.fromkeys(delete) if key in taken),
    )
