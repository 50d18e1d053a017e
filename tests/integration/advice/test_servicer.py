"""The service over a real channel: order, marks, refusals, cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from fiducia.advice.v1 import advice_service_pb2 as pb
from fiducia.advice.v1 import advice_service_pb2_grpc, segment_pb2

from services.advice.brief import Brief
from services.advice.numbers import find_quantities
from services.advice.servicer import AdviceServicer
from services.advice.settings import AdviceSettings
from services.advice.writer import Writer
from shared.status import reason_of, violations_of
from tests.serving import running
from tests.unit.advice.briefs import US_FAMILY, US_YOUNG, brief, cn_saver, question, request
from tests.unit.advice.delivered import unbound
from tests.unit.advice.writers import AbsentWriter, ChoosingWriter, FailingWriter, HangingWriter


@asynccontextmanager
async def stub_for(writer: Writer, **changes: Any) -> AsyncIterator[advice_service_pb2_grpc.AdviceServiceAsyncStub]:
    settings = AdviceSettings(**{"advice_model_base_url": "http://127.0.0.1:9/v1"} | changes)

    def register(server: grpc.aio.Server) -> None:
        advice_service_pb2_grpc.add_AdviceServiceServicer_to_server(AdviceServicer(writer, settings), server)

    async with running(register) as channel:
        yield advice_service_pb2_grpc.AdviceServiceStub(channel)


async def events(writer: Writer, message: pb.StreamAdviceRequest, **changes: Any) -> list[pb.StreamAdviceResponse]:
    async with stub_for(writer, **changes) as stub:
        return [event async for event in stub.StreamAdvice(message)]


@pytest.mark.parametrize("case", [US_FAMILY, US_YOUNG, cn_saver()], ids=["family", "young", "saver"])
async def test_segments_come_in_order_and_the_summary_last(case: Any) -> None:
    found = await events(ChoosingWriter(2), request(case))

    segments, summary = [event.segment for event in found[:-1]], found[-1].summary
    assert [segment.sequence for segment in segments] == list(range(1, len(segments) + 1))
    assert found[-1].WhichOneof("event") == "summary"
    assert summary.model == "chooser"
    assert summary.strictness == pb.STRICTNESS_PHRASES
    assert summary.model_segments + summary.template_segments == len(segments)
    assert summary.template_segments == 1


@pytest.mark.parametrize("case", [US_FAMILY, cn_saver()], ids=["family", "saver"])
async def test_every_number_lies_inside_a_binding_and_shows_its_fact(case: Any) -> None:
    checked: Brief = brief(case)

    found = await events(ChoosingWriter(4), request(case))

    for segment in (event.segment for event in found[:-1]):
        assert find_quantities(unbound(segment)) == []
        shown = {b.fact_id: segment.text[b.span.start : b.span.end] for b in segment.bindings if b.fact_id}
        assert shown == {id_: checked.fact[id_].rendered.of(case.language) for id_ in shown}
        handles = [b.citation_handle for b in segment.bindings if b.citation_handle]
        assert [citation.handle for citation in segment.citations] == list(dict.fromkeys(handles))


@pytest.mark.parametrize(
    ("writer", "changes", "reason"),
    [
        (AbsentWriter(), {}, "the model server does not answer"),
        (FailingWriter(), {}, "the model took too long"),
        (ChoosingWriter(), {"advice_model_base_url": ""}, "no model is set up"),
        (ChoosingWriter(), {"advice_model_languages": ("zh",)}, "the model is not set to write this language: en"),
    ],
)
async def test_without_a_model_the_text_comes_from_templates_and_says_why(
    writer: Writer, changes: dict[str, Any], reason: str
) -> None:
    found = await events(writer, request(US_FAMILY), **changes)

    origins = {event.segment.origin for event in found[:-1]}
    reasons = {event.segment.fallback_reason for event in found[:-1]}
    assert origins == {segment_pb2.SEGMENT_ORIGIN_TEMPLATE}
    assert reasons == {reason, "fixed wording"}
    assert found[-1].summary.model_segments == 0


async def test_a_request_may_ask_for_free_words_and_chinese_stays_with_phrases() -> None:
    english, chinese = request(US_FAMILY), request(cn_saver())
    english.strictness = chinese.strictness = pb.STRICTNESS_FREE_WORDS

    free = await events(AbsentWriter(), english)
    narrow = await events(ChoosingWriter(), chinese)

    assert free[-1].summary.strictness == pb.STRICTNESS_FREE_WORDS
    assert narrow[-1].summary.strictness == pb.STRICTNESS_PHRASES
    assert narrow[-1].summary.model_segments > 0


async def test_a_bad_brief_is_refused_with_the_paths_of_its_fields() -> None:
    message = request(US_FAMILY)
    message.brief.language = "fr"

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await events(ChoosingWriter(), message)

    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(caught.value) == "INVALID_REQUEST"
    assert violations_of(caught.value)[0][0] == "brief.language"


async def test_a_client_that_goes_away_frees_the_model() -> None:
    writer = HangingWriter()
    async with stub_for(writer) as stub:
        call = stub.StreamAdvice(request(US_FAMILY))
        reader = asyncio.ensure_future(call.read())
        await asyncio.wait_for(writer.begun.wait(), 10)

        call.cancel()

        await asyncio.wait_for(writer.cancelled.wait(), 10)
        with pytest.raises(asyncio.CancelledError):
            await reader


class CountingWriter(ChoosingWriter):
    """Counts how many segments are written at the same time."""

    now = most = 0

    async def write(self, prompt: Any, grammar: str, max_tokens: int) -> str:
        """Write after a moment."""
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.01)
        self.now -= 1
        return await super().write(prompt, grammar, max_tokens)


async def test_no_more_segments_are_written_at_once_than_the_setting_allows() -> None:
    writer = CountingWriter()

    async with stub_for(writer, advice_concurrency=3) as stub:
        await asyncio.gather(*[_all(stub.StreamAdvice(request(US_FAMILY))) for _ in range(2)])

    assert writer.most == 3


async def _all(call: Any) -> list[Any]:
    return [event async for event in call]


async def test_an_answer_comes_with_sources() -> None:
    async with stub_for(ChoosingWriter()) as stub:
        message = question("How do bond prices react when interest rates rise?", "en", ("duration", "inflation"))
        found = await _all(stub.StreamAnswer(message))

    assert [event.WhichOneof("event") for event in found] == ["segment", "summary"]
    assert found[0].segment.kind == segment_pb2.SEGMENT_KIND_ANSWER
    assert found[0].segment.citations
    assert find_quantities(unbound(found[0].segment)) == []
    assert found[1].summary.model == "chooser"


async def test_nothing_to_cite_is_an_abstention() -> None:
    async with stub_for(ChoosingWriter()) as stub:
        found = await _all(stub.StreamAnswer(question("明天北京天气怎么样？", "zh", ("gold",))))

    assert [event.WhichOneof("event") for event in found] == ["abstention", "summary"]
    assert "无法给出" in found[0].abstention.reason


async def test_an_empty_question_is_refused() -> None:
    async with stub_for(ChoosingWriter()) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await _all(stub.StreamAnswer(question(" ", "en", ())))

    assert violations_of(caught.value)[0][0] == "question"


async def test_the_model_is_described() -> None:
    async with stub_for(ChoosingWriter()) as stub:
        model = await stub.GetModel(pb.GetModelRequest())

    assert (model.model, model.available, model.strictness) == ("chooser", True, pb.STRICTNESS_PHRASES)
    assert list(model.languages) == ["en", "zh"]
    assert len(model.prompts_digest) == 64
