"""Documents and passages as JSON lines, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from datetime import date
from enum import StrEnum
from typing import Any

from services.retrieval.passage import Asked, Document, DocumentKind, Passage, PassageFlag, TrustLevel


def documents_to_lines(documents: Iterable[Document]) -> str:
    """Return one JSON object a line, in the order given."""
    return "".join(
        _line({field.name: _plain(getattr(document, field.name)) for field in fields(Document)})
        for document in documents
    )


def documents_from_lines(lines: str) -> list[Document]:
    """Return the documents that `documents_to_lines` wrote."""
    return [_document(json.loads(line)) for line in lines.splitlines()]


def passages_to_lines(passages: Iterable[Passage]) -> str:
    """Return one JSON object a line; a passage's words stay in its document."""
    return "".join(
        _line(
            {
                "id": passage.id,
                "document_id": passage.document.id,
                "heading": passage.heading,
                "context": passage.context,
                "start": passage.start,
                "end": passage.end,
                "flags": [flag.value for flag in passage.flags],
                "table_header": passage.table_header,
            }
        )
        for passage in passages
    )


def passages_from_lines(lines: str, documents: Sequence[Document]) -> tuple[Passage, ...]:
    """Return the passages that `passages_to_lines` wrote, as stretches of these documents."""
    by_id = {document.id: document for document in documents}
    return tuple(_passage(json.loads(line), by_id) for line in lines.splitlines())


def _line(value: dict[str, Any]) -> str:
    # ASCII escapes keep U+2028 and the like, which some readers take for line ends, out of the file.
    return json.dumps(value, sort_keys=True) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Asked):
        return asdict(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _document(value: dict[str, Any]) -> Document:
    plain: dict[str, Any] = {name: tuple(item) if isinstance(item, list) else item for name, item in value.items()}
    for name in ("effective", "expires"):
        plain[name] = date.fromisoformat(plain[name]) if plain[name] else None
    plain |= {"kind": DocumentKind(plain["kind"]), "trust": TrustLevel(plain["trust"])}
    # Snapshots of earlier versions hold neither; their documents are still read when an index is built anew.
    plain["asked"] = tuple(Asked(**one) for one in plain.get("asked", ()))
    plain["flags"] = tuple(PassageFlag(flag) for flag in plain.get("flags", ()))
    return Document(**plain)


def _passage(value: dict[str, Any], documents: dict[str, Document]) -> Passage:
    document = documents[value.pop("document_id")]
    flags = tuple(PassageFlag(flag) for flag in value.pop("flags"))
    return Passage(document=document, flags=flags, **value)
