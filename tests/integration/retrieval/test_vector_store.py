from __future__ import annotations

from typing import TypeAlias

import grpc
import pytest
from fiducia.retrieval.v1 import import_pb2
from fiducia.retrieval.v1 import retrieval_service_pb2 as pb
from fiducia.retrieval.v1 import retrieval_service_pb2_grpc as pb_grpc

from shared.status import reason_of

Stub: TypeAlias = "pb_grpc.RetrievalServiceAsyncStub"


async def test_an_import_tells_that_the_vector_store_does_not_answer_and_the_index_goes_on_serving(
    stub: Stub, first_index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIDUCIA_RETRIEVAL_VECTOR_STORE", "qdrant")
    monkeypatch.setenv("FIDUCIA_RETRIEVAL_QDRANT_URL", "http://127.0.0.1:1")
    defaults = import_pb2.DocumentDefaults(source="Research desk", licence="Internal")
    requests = [
        import_pb2.ImportDocumentsRequest(
            plan=import_pb2.ImportPlan(collection="views", activate=True, defaults=defaults)
        ),
        import_pb2.ImportDocumentsRequest(
            document=import_pb2.DocumentUpload(path="memo.md", content=b"# View\n\nShort.")
        ),
    ]

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        [response async for response in stub.ImportDocuments(iter(requests))]

    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert reason_of(caught.value) == "NOT_READY"
    assert "qdrant does not answer" in str(caught.value.details())
    answer = await stub.SearchPassages(pb.SearchPassagesRequest(query="What is the expense ratio?", limit=1))
    assert answer.index_snapshot == first_index
