"""Retrieval's messages: searches out, passages in."""

from __future__ import annotations

from collections.abc import Sequence

from fiducia.retrieval.v1 import passage_pb2
from fiducia.retrieval.v1 import retrieval_service_pb2 as pb
from fiducia.type.v1 import risk_pb2

from services.orchestrator.passages import Found, Passage
from services.orchestrator.queries import PassageFilter, SearchQuery
from services.orchestrator.wire_values import enum_value


def batch_message(queries: Sequence[SearchQuery], index_snapshot: str) -> pb.BatchSearchPassagesRequest:
    """Return searches over one snapshot as a message."""
    requests = [
        pb.SearchPassagesRequest(
            query=query.query,
            limit=query.limit,
            filter=_filter_message(query.filter),
            index_snapshot=index_snapshot,
            min_relevance=query.min_relevance,
        )
        for query in queries
    ]
    return pb.BatchSearchPassagesRequest(requests=requests)


def found_of(response: pb.SearchPassagesResponse) -> Found:
    """Return the results of one search."""
    return Found(tuple(passage_of(scored.passage) for scored in response.results), response.index_snapshot)


def passage_of(message: passage_pb2.Passage) -> Passage:
    """Return a passage, with its message kept whole."""
    return Passage(
        id=message.id,
        product_id=message.product_id,
        is_instruction_like=passage_pb2.PASSAGE_FLAG_INSTRUCTION_LIKE in message.flags,
        is_quarantined=message.trust == passage_pb2.TRUST_LEVEL_QUARANTINED,
        message=message.SerializeToString(deterministic=True),
    )


def _filter_message(only: PassageFilter) -> pb.PassageFilter:
    return pb.PassageFilter(
        asset_classes=only.asset_classes,
        risk_levels=[enum_value(risk_pb2.RiskLevel, "RISK_LEVEL", level) for level in only.risk_levels],
        jurisdictions=only.jurisdictions,
        languages=only.languages,
        kinds=[enum_value(passage_pb2.DocumentKind, "DOCUMENT_KIND", kind) for kind in only.kinds],
        product_ids=only.product_ids,
    )
