from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import pytest
from fiducia.advice.v1 import advice_service_pb2 as advice
from fiducia.advice.v1 import advice_service_pb2_grpc as advice_grpc

from shared.errors import InvalidRequest, NotFound
from shared.status import reason_of, violations_of
from tests.serving import running


class _Servicer(advice_grpc.AdviceServiceServicer):
    """Fails in each of the ways a servicer can."""

    async def GetModel(self, request: advice.GetModelRequest, context: grpc.aio.ServicerContext) -> None:
        raise InvalidRequest.of("model.name", "is empty; name a model")

    async def StreamAdvice(
        self, request: advice.StreamAdviceRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[advice.StreamAdviceResponse]:
        yield advice.StreamAdviceResponse(summary=advice.WritingSummary(model="first"))
        raise NotFound("no such brief")

    async def StreamAnswer(
        self, request: advice.StreamAnswerRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[advice.StreamAnswerResponse]:
        if request.question:
            yield advice.StreamAnswerResponse()
        raise RuntimeError("secret detail")


def _register(server: grpc.aio.Server) -> None:
    advice_grpc.add_AdviceServiceServicer_to_server(_Servicer(), server)


async def test_a_service_error_reaches_the_caller_with_reason_and_fields() -> None:
    async with running(_register) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await advice_grpc.AdviceServiceStub(channel).GetModel(advice.GetModelRequest())

    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(caught.value) == "INVALID_REQUEST"
    assert violations_of(caught.value) == [("model.name", "is empty; name a model")]


async def test_an_error_in_mid_stream_keeps_what_was_sent_before() -> None:
    received = []

    async with running(_register) as channel:
        stub = advice_grpc.AdviceServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:  # noqa: PT012
            async for response in stub.StreamAdvice(advice.StreamAdviceRequest()):
                received.append(response)

    assert [response.summary.model for response in received] == ["first"]
    assert reason_of(caught.value) == "NOT_FOUND"


async def test_a_bug_becomes_internal_and_its_detail_stays_in_the_log() -> None:
    async with running(_register) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for _ in advice_grpc.AdviceServiceStub(channel).StreamAnswer(advice.StreamAnswerRequest()):
                pass

    assert caught.value.code() == grpc.StatusCode.INTERNAL
    assert reason_of(caught.value) == "INTERNAL"
    assert "secret" not in (caught.value.details() or "")


async def test_calls_are_refused_until_the_service_is_ready() -> None:
    async with running(_register, is_ready=lambda: False) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await advice_grpc.AdviceServiceStub(channel).GetModel(advice.GetModelRequest(), timeout=10)

    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    assert reason_of(caught.value) == "NOT_READY"
