"""The documents of a snapshot, and passages with what stands around them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.retrieval.passage import Document, Passage, TrustLevel
from services.retrieval.snapshot import Snapshot


@dataclass(frozen=True)
class Catalogued:
    """A document with its number of passages, of flagged ones, and why it is in quarantine ("": it is not)."""

    document: Document
    passages: int
    flagged: int
    quarantine_reason: str


@dataclass(frozen=True)
class Surrounded:
    """A passage with those before and after it in its document, in order."""

    before: tuple[Passage, ...]
    passage: Passage
    after: tuple[Passage, ...]


def catalogue(snapshot: Snapshot, quarantine: Mapping[str, str]) -> list[Catalogued]:
    """Return the documents by id. quarantine: reasons by document id."""
    passages: dict[str, list[Passage]] = {}
    for passage in snapshot.passages:
        passages.setdefault(passage.document.id, []).append(passage)
    return [_catalogued(passages[key], quarantine.get(key, "")) for key in sorted(passages)]


def page_of(documents: Iterable[Catalogued], after: str, size: int) -> tuple[list[Catalogued], str]:
    """Return the page that follows the id `after`, and its last id if more follow, else ""."""
    rest = [one for one in documents if one.document.id > after]
    page = rest[:size]
    return page, page[-1].document.id if len(rest) > size else ""


def surrounded(snapshot: Snapshot, passage_id: str, neighbours: int) -> Surrounded | None:
    """Return a passage with at most so many neighbours on either side, None where the snapshot has no such passage."""
    number = snapshot.numbers.get(passage_id)
    if number is None:
        return None
    passage = snapshot.passages[number]
    around = [
        other
        for other in snapshot.passages[max(number - neighbours, 0) : number + neighbours + 1]
        if other.document.id == passage.document.id
    ]
    at = around.index(passage)
    return Surrounded(tuple(around[:at]), passage, tuple(around[at + 1 :]))


def _catalogued(passages: list[Passage], reason: str) -> Catalogued:
    if passages[0].document.trust is TrustLevel.QUARANTINED:
        reason = reason or "its own fields, or those of its import, say so"
    flagged = sum(bool(passage.flags) for passage in passages)
    return Catalogued(passages[0].document, len(passages), flagged, reason)
