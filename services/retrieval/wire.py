"""Answers of the retrieval service as messages of the contract."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from fiducia.retrieval.v1 import passage_pb2
from fiducia.retrieval.v1 import retrieval_service_pb2 as pb
from fiducia.type.v1 import risk_pb2, text_pb2
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date

from services.retrieval.library import Catalogued
from services.retrieval.listing import Listed
from services.retrieval.manifest import EncoderEntry
from services.retrieval.passage import Document, DocumentKind, Passage, PassageFlag, TrustLevel
from services.retrieval.search import Engine, Found, Query

# Looked up once: asking the generated enums by name for every passage took a fifth of an answer's time.
_KINDS = {kind: passage_pb2.DocumentKind.Value(f"DOCUMENT_KIND_{kind.value}") for kind in DocumentKind}
_TRUST = {level: passage_pb2.TrustLevel.Value(f"TRUST_LEVEL_{level.value}") for level in TrustLevel}
_FLAGS = {flag: passage_pb2.PassageFlag.Value(f"PASSAGE_FLAG_{flag.value}") for flag in PassageFlag}
# Copying a message costs a tenth of building it. Two kilobytes each; what is kept also keeps its document.
_MESSAGES_KEPT = 1024


def search_response(found: Found, query: Query, engine: Engine, snapshot_id: str) -> pb.SearchPassagesResponse:
    """Return the answer to one search, with all that it takes to repeat it."""
    day = query.as_of
    response = pb.SearchPassagesResponse(
        index_snapshot=snapshot_id,
        nothing_found=_nothing_found(found),
        best_relevance=found.best_relevance,
        as_of=Date(year=day.year, month=day.month, day=day.day),
        min_relevance=engine.least_relevance(query),
        relevance_model=engine.relevance.digest,
        reranked=engine.reranks,
    )
    for hit in found.hits:
        result = response.results.add(score=hit.score, relevance=hit.relevance)
        result.passage.CopyFrom(kept_message(hit.passage))
    return response


def _nothing_found(found: Found) -> pb.NothingFound.ValueType:
    if found.hits:
        return pb.NOTHING_FOUND_UNSPECIFIED
    if found.is_any_eligible:
        return pb.NOTHING_FOUND_NONE_RELEVANT
    return pb.NOTHING_FOUND_NONE_ELIGIBLE


def passage_message(passage: Passage) -> passage_pb2.Passage:
    """Return a passage with its document's circumstances."""
    about = passage.document
    message = passage_pb2.Passage(
        id=passage.id,
        document_id=about.id,
        document_digest=about.digest,
        title=about.title,
        heading=passage.heading,
        text=passage.text,
        language=about.language,
        kind=_KINDS[about.kind],
        product_id=about.product_id,
        span=text_pb2.Span(start=passage.start, end=passage.end),
        source=about.source,
        trust=_TRUST[about.trust],
        flags=[_FLAGS[flag] for flag in passage.flags],
        asset_classes=about.asset_classes,
        risk_levels=[risk_pb2.RiskLevel.Value(f"RISK_LEVEL_{level}") for level in about.risk_levels],
        jurisdictions=about.jurisdictions,
        issuer=about.issuer,
        collection=about.collection,
        page=passage.page,
        table_header=passage.table_header,
        licence=about.licence,
    )
    _add_days(message, about)
    return message


def kept_message(passage: Passage) -> passage_pb2.Passage:
    """Return what `passage_message` does, from memory where it is there; it is shared, to be copied and not changed."""
    return _message_of(_Same(passage))


@dataclass(frozen=True, eq=False)
class _Same:
    """One passage object, equal to itself alone: comparing a passage by value costs more than its message."""

    passage: Passage

    def __hash__(self) -> int:
        return id(self.passage)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.passage is other.passage


@lru_cache(maxsize=_MESSAGES_KEPT)
def _message_of(same: _Same) -> passage_pb2.Passage:
    return passage_message(same.passage)


def listed_message(listed: Listed) -> pb.IndexSnapshot:
    """Return what the list says about a snapshot."""
    manifest = listed.manifest
    created = Timestamp()
    created.FromDatetime(listed.created)
    return pb.IndexSnapshot(
        id=listed.id,
        active=listed.active,
        create_time=created,
        passage_count=manifest.passage_count,
        document_count=manifest.document_count,
        encoders=[encoder_message(entry) for entry in manifest.encoders],
        chunker_version=manifest.chunker_version,
    )


def encoder_message(entry: EncoderEntry) -> pb.Encoder:
    """Return what is said about an encoder."""
    return pb.Encoder(name=entry.name, digest=entry.digest, dimension=entry.dimension, languages=entry.languages)


def _add_days(message: passage_pb2.Passage, about: Document) -> None:
    for name, day in (("effective_date", about.effective), ("expiry_date", about.expires)):
        if day is not None:
            getattr(message, name).CopyFrom(Date(year=day.year, month=day.month, day=day.day))


def document_message(catalogued: Catalogued) -> pb.IndexedDocument:
    """Return what the list says about a document."""
    about = catalogued.document
    return pb.IndexedDocument(
        id=about.id,
        title=about.title,
        language=about.language,
        kind=_KINDS[about.kind],
        trust=_TRUST[about.trust],
        collection=about.collection,
        digest=about.digest,
        passage_count=catalogued.passages,
        flagged_passage_count=catalogued.flagged,
        quarantine_reason=catalogued.quarantine_reason,
    )
