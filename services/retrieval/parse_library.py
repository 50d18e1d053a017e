"""Requests about documents, passages, snapshots and encoders as they come in; every field is checked."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from fiducia.retrieval.v1 import retrieval_service_pb2 as pb

from services.retrieval.checks import COLLECTION, Faults, named, snapshot_id, within
from shared.snapshots import is_digest

DEFAULT_PAGE = 20
LARGEST_PAGE = 100
DEFAULT_DOCUMENTS = 100
MOST_DOCUMENTS = 1_000
MOST_NEIGHBOURS = 5
MOST_TEXTS = 100
LONGEST_TEXT = 10_000
LONGEST_REASON = 500
_LONGEST_ID = 300


@dataclass(frozen=True)
class Page:
    """A page of a list: its size, and the id after which it begins ("": the first page)."""

    size: int
    after: str


@dataclass(frozen=True)
class WantedDocuments:
    """Which documents are listed. snapshot: an id, or "" for the active one; collection: "" for all."""

    snapshot: str
    collection: str
    quarantined_only: bool
    page: Page


@dataclass(frozen=True)
class WantedPassage:
    """A passage with so many neighbours on either side. snapshot: an id, or "" for the active one."""

    passage_id: str
    snapshot: str
    neighbours: int


@dataclass(frozen=True)
class Decision:
    """A document that is withdrawn, or let back in, and why."""

    document_id: str
    reason: str
    release: bool


def parse_page(request: pb.ListIndexSnapshotsRequest) -> Page:
    """Return which page of the snapshots is wanted. Raises InvalidRequest."""
    faults = Faults()
    size = within(request.page_size, DEFAULT_PAGE, LARGEST_PAGE, "page_size", faults)
    after = _from_token(request.page_token, faults)
    if after and not is_digest(after):
        faults.add("page_token", _BAD_TOKEN)
    faults.raise_any()
    return Page(size, after)


def parse_documents(request: pb.ListDocumentsRequest) -> WantedDocuments:
    """Return which documents are wanted. Raises InvalidRequest."""
    faults = Faults()
    size = within(request.page_size, DEFAULT_DOCUMENTS, MOST_DOCUMENTS, "page_size", faults)
    after = _from_token(request.page_token, faults)
    snapshot = snapshot_id(request.index_snapshot, "index_snapshot", faults)
    if request.collection and not COLLECTION.fullmatch(request.collection):
        faults.add("collection", "expected 1 to 64 lower-case letters, digits and hyphens, such as house-views")
    faults.raise_any()
    return WantedDocuments(snapshot, request.collection, request.quarantined_only, Page(size, after))


def parse_passage(request: pb.GetPassageRequest) -> WantedPassage:
    """Return which passage is wanted. Raises InvalidRequest."""
    faults = Faults()
    passage_id = named(request.passage_id, _LONGEST_ID, "passage_id", faults)
    snapshot = snapshot_id(request.index_snapshot, "index_snapshot", faults)
    if not 0 <= request.neighbours <= MOST_NEIGHBOURS:
        faults.add("neighbours", f"found {request.neighbours}, expected 0 to {MOST_NEIGHBOURS}")
    faults.raise_any()
    return WantedPassage(passage_id, snapshot, request.neighbours)


def parse_decision(request: pb.QuarantineDocumentRequest) -> Decision:
    """Return what is decided about which document. Raises InvalidRequest."""
    faults = Faults()
    document_id = named(request.document_id, _LONGEST_ID, "document_id", faults)
    reason = named(request.reason, LONGEST_REASON, "reason", faults)
    faults.raise_any()
    return Decision(document_id, reason, request.release)


def parse_activation(request: pb.ActivateIndexSnapshotRequest) -> str:
    """Return the id of the snapshot to activate. Raises InvalidRequest."""
    faults = Faults()
    if not is_digest(request.index_snapshot):
        faults.add("index_snapshot", "is not an id of 64 hexadecimal digits; list the index snapshots")
    faults.raise_any()
    return request.index_snapshot


def parse_texts(request: pb.EmbedTextsRequest) -> list[str]:
    """Return the texts to embed. Raises InvalidRequest."""
    faults = Faults()
    if not 1 <= len(request.texts) <= MOST_TEXTS:
        faults.add("texts", f"found {len(request.texts)} texts, expected 1 to {MOST_TEXTS}; split them")
    for number, text in enumerate(request.texts[:MOST_TEXTS]):
        if not text.strip() or len(text) > LONGEST_TEXT:
            faults.add(f"texts[{number}]", f"found {len(text)} characters, expected 1 to {LONGEST_TEXT} with words")
    if request.role not in pb.TextRole.values():
        faults.add("role", f"found {request.role}, expected {', '.join(pb.TextRole.keys())}")
    faults.raise_any()
    return list(request.texts)


_BAD_TOKEN = "is not a token of this server; send the next_page_token of the page before"


def page_token(last_id: str) -> str:
    """Return the token that continues after an id, "" after the last page."""
    return base64.urlsafe_b64encode(last_id.encode()).decode()


def _from_token(token: str, faults: Faults) -> str:
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        faults.add("page_token", _BAD_TOKEN)
        return ""
