from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import grpc
import numpy as np
import pytest
from fiducia.retrieval.v1 import retrieval_service_pb2 as pb
from fiducia.retrieval.v1 import retrieval_service_pb2_grpc as pb_grpc

from services.retrieval.ingest.build import Builder
from services.retrieval.ingest.library import read_documents
from shared.snapshots import active_digest
from shared.status import reason_of, violations_of
from tests.unit.retrieval.samples import GUIDE_FILE

Stub: TypeAlias = "pb_grpc.RetrievalServiceAsyncStub"


async def found(stub: Stub, query: str) -> set[str]:
    response = await stub.SearchPassages(pb.SearchPassagesRequest(query=query, min_relevance=0))
    return {result.passage.document_id for result in response.results}


async def test_a_passage_is_returned_by_its_id_with_its_neighbours(stub: Stub, first_index: str) -> None:
    (hit,) = (
        await stub.SearchPassages(pb.SearchPassagesRequest(query="How do fees compound?", limit=1, min_relevance=0))
    ).results

    answer = await stub.GetPassage(pb.GetPassageRequest(passage_id=hit.passage.id, neighbours=1))

    assert answer.passage == hit.passage
    assert [one.heading for one in answer.before] == ["What the expense ratio is"]
    assert list(answer.after) == []
    assert answer.index_snapshot == first_index


async def test_an_unknown_passage_is_not_found(stub: Stub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.GetPassage(pb.GetPassageRequest(passage_id="nowhere#1-1"))

    assert reason_of(caught.value) == "NOT_FOUND"


async def test_documents_are_listed_in_pages_with_what_they_hold(stub: Stub) -> None:
    first = await stub.ListDocuments(pb.ListDocumentsRequest(page_size=3))
    rest = await stub.ListDocuments(pb.ListDocumentsRequest(page_size=3, page_token=first.next_page_token))

    assert [one.id for one in (*first.documents, *rest.documents)] == [
        "510300-factsheet-en",
        "510300-factsheet-zh",
        "VTI-factsheet-en",
        "en-fees",
    ]
    assert rest.next_page_token == ""
    assert (first.documents[2].passage_count, first.documents[2].collection) == (2, "kb")


async def test_quarantine_holds_at_once_for_search_and_look_up_and_ends_with_its_release(stub: Stub) -> None:
    document = "en-fees"
    (hit,) = (
        await stub.SearchPassages(pb.SearchPassagesRequest(query="How do fees compound?", limit=1, min_relevance=0))
    ).results

    ruled = await stub.QuarantineDocument(pb.QuarantineDocumentRequest(document_id=document, reason="out of date"))
    assert (ruled.quarantined, ruled.passage_count) == (True, 2)
    assert document not in await found(stub, "How do fees compound?")
    with pytest.raises(grpc.aio.AioRpcError):
        await stub.GetPassage(pb.GetPassageRequest(passage_id=hit.passage.id))
    listed = await stub.ListDocuments(pb.ListDocumentsRequest(quarantined_only=True))
    assert [(one.id, one.quarantine_reason) for one in listed.documents] == [(document, "out of date")]

    await stub.QuarantineDocument(pb.QuarantineDocumentRequest(document_id=document, reason="checked", release=True))
    assert document in await found(stub, "How do fees compound?")


async def test_a_document_that_is_nowhere_cannot_be_withdrawn(stub: Stub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.QuarantineDocument(pb.QuarantineDocumentRequest(document_id="nothing", reason="x"))
    assert reason_of(caught.value) == "NOT_FOUND"

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.QuarantineDocument(pb.QuarantineDocumentRequest())
    assert [field for field, _ in violations_of(caught.value)] == ["document_id", "reason"]


async def test_a_snapshot_is_activated_and_a_damaged_one_is_not(
    stub: Stub, small_builder: Builder, first_index: str, tmp_path: Path
) -> None:
    (tmp_path / "kb/guides/en/fees.md").write_text(GUIDE_FILE.replace("decades", "many years"))
    second = small_builder.build(read_documents(tmp_path / "kb"))

    answer = await stub.ActivateIndexSnapshot(pb.ActivateIndexSnapshotRequest(index_snapshot=second))
    assert (answer.snapshot.id, answer.snapshot.active) == (second, True)
    searched = await stub.SearchPassages(pb.SearchPassagesRequest(query="fees", min_relevance=0))
    assert searched.index_snapshot == second

    (tmp_path / "kb/guides/en/fees.md").write_text(GUIDE_FILE.replace("decades", "years"))
    third = small_builder.build(read_documents(tmp_path / "kb"))
    (tmp_path / "index" / third / "passages.jsonl").write_text("")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.ActivateIndexSnapshot(pb.ActivateIndexSnapshotRequest(index_snapshot=third))
    assert reason_of(caught.value) == "NOT_FOUND"
    assert active_digest(tmp_path / "index") == second


async def test_texts_become_vectors_of_length_one_by_the_encoder_named(stub: Stub) -> None:
    request = pb.EmbedTextsRequest(texts=["基金费用", "fund fees"], encoder="use-multilingual-v3")

    answer = await stub.EmbedTexts(request)

    vectors = np.array([vector.values for vector in answer.vectors])
    assert vectors.shape == (2, answer.encoder.dimension)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1.0, 1.0], abs=1e-5)


async def test_texts_that_an_encoder_would_cut_off_are_refused_by_number(stub: Stub) -> None:
    request = pb.EmbedTextsRequest(texts=["fees", "fee " * 2_000])

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.EmbedTexts(request)

    assert [field for field, _ in violations_of(caught.value)] == ["texts[1]"]
