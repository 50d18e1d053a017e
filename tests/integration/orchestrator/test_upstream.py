"""The adapters to the other services, against real gRPC servers with hand-written answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import grpc
import pytest
from fiducia.advice.v1 import advice_service_pb2, advice_service_pb2_grpc, segment_pb2
from fiducia.optimizer.v1 import optimizer_service_pb2, optimizer_service_pb2_grpc, portfolio_pb2
from fiducia.retrieval.v1 import retrieval_service_pb2, retrieval_service_pb2_grpc

from services.orchestrator.portfolio import Limits, MinimumVariance, PortfolioProblem, WeightBound
from services.orchestrator.queries import PassageFilter, SearchQuery
from services.orchestrator.upstream import GrpcAdvice, GrpcOptimizer, GrpcRetrieval
from services.orchestrator.writing import Abstention, Brief, Question, Segment, WritingSummary
from shared.client import connect
from shared.errors import (
    CapacityExceeded,
    FieldViolation,
    InvalidRequest,
    NotFound,
    NotReady,
    PreconditionFailed,
    ServiceError,
    SolutionRefused,
    UpstreamUnavailable,
)
from tests.serving import running

QUERY = SearchQuery("duration", 3, PassageFilter(languages=("en",), risk_levels=("R2",), kinds=("GUIDE",)))
PROBLEM = PortfolioProblem("USD", (), Limits(products=(WeightBound("BND", min_weight=0.0),), max_turnover=0.0))


class Optimizer(optimizer_service_pb2_grpc.OptimizerServiceServicer):
    """Raises what it is given, or answers; remembers what was asked."""

    def __init__(self, error: Exception | None = None, seconds: float = 0.0) -> None:
        self.error = error
        self.seconds = seconds
        self.asked: list[optimizer_service_pb2.OptimizePortfolioRequest] = []
        self.lists = 0

    async def OptimizePortfolio(self, request, context):  # type: ignore[no-untyped-def]
        self.asked.append(request)
        await asyncio.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        return optimizer_service_pb2.OptimizePortfolioResponse(
            market_snapshot="m", infeasibility=portfolio_pb2.Infeasibility()
        )

    async def ListMarketSnapshots(self, request, context):  # type: ignore[no-untyped-def]
        self.lists += 1
        snapshot = optimizer_service_pb2.MarketSnapshot(id=f"m{request.page_token}", label="ILLUSTRATIVE")
        snapshot.as_of.year, snapshot.as_of.month, snapshot.as_of.day = 2026, 11, 1
        last = request.page_token == "2"
        return optimizer_service_pb2.ListMarketSnapshotsResponse(
            snapshots=[snapshot], next_page_token="" if last else str(int(request.page_token or 0) + 1)
        )


class Retrieval(retrieval_service_pb2_grpc.RetrievalServiceServicer):
    """Returns one passage per search."""

    def __init__(self) -> None:
        self.asked: list[retrieval_service_pb2.BatchSearchPassagesRequest] = []

    async def BatchSearchPassages(self, request, context):  # type: ignore[no-untyped-def]
        self.asked.append(request)
        response = retrieval_service_pb2.BatchSearchPassagesResponse()
        for search in request.requests:
            one = response.responses.add(index_snapshot=search.index_snapshot or "active")
            one.results.add().passage.id = search.query
        return response


class Advice(advice_service_pb2_grpc.AdviceServiceServicer):
    """Streams a segment and a summary; `error` comes between the two."""

    async def GetModel(self, request, context):  # type: ignore[no-untyped-def]
        return advice_service_pb2.GetModelResponse(prompts_digest="d")

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.cancelled = asyncio.Event()

    async def StreamAdvice(self, request, context) -> AsyncIterator[advice_service_pb2.StreamAdviceResponse]:  # type: ignore[no-untyped-def]
        try:
            yield advice_service_pb2.StreamAdviceResponse(segment=SEGMENT)
            if self.error is not None:
                raise self.error
            if request.brief.goal == "WAIT":
                await asyncio.sleep(60)
            yield advice_service_pb2.StreamAdviceResponse(summary=advice_service_pb2.WritingSummary(model="m"))
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    async def StreamAnswer(self, request, context) -> AsyncIterator[advice_service_pb2.StreamAnswerResponse]:  # type: ignore[no-untyped-def]
        yield advice_service_pb2.StreamAnswerResponse(abstention=advice_service_pb2.Abstention(reason=request.question))
        yield advice_service_pb2.StreamAnswerResponse(summary=advice_service_pb2.WritingSummary())


SEGMENT = segment_pb2.Segment(
    sequence=1, kind=segment_pb2.SEGMENT_KIND_COST, text="Fees are 0.1% for 中 [1].", language="en"
)
for start, end in ((9, 13), (20, 23)):
    SEGMENT.bindings.add().span.start, SEGMENT.bindings[-1].span.end = start, end
SEGMENT.bindings[0].fact_id = "cost_share"
SEGMENT.bindings[1].citation_handle = 1


def serving(servicer: Optimizer | Retrieval | Advice) -> AbstractAsyncContextManager[grpc.aio.Channel]:
    """Serve what a test needs; the methods it does not need are those of the base class, which refuse."""

    def register(server: grpc.aio.Server) -> None:
        if isinstance(servicer, Optimizer):
            optimizer_service_pb2_grpc.add_OptimizerServiceServicer_to_server(servicer, server)
        elif isinstance(servicer, Retrieval):
            retrieval_service_pb2_grpc.add_RetrievalServiceServicer_to_server(servicer, server)
        else:
            advice_service_pb2_grpc.add_AdviceServiceServicer_to_server(servicer, server)

    return running(register)


def brief(goal: str = "GROWTH") -> Brief:
    return Brief("en", (), (), (), goal)


async def test_a_problem_arrives_with_zero_told_from_nothing() -> None:
    servicer = Optimizer()  # type: ignore[abstract]
    async with serving(servicer) as channel:
        answer = await GrpcOptimizer(channel, 5.0).optimize(PROBLEM, MinimumVariance())

    limits = servicer.asked[0].problem.limits
    assert (limits.HasField("max_turnover"), limits.HasField("max_volatility")) == (True, False)
    assert (limits.products[0].HasField("min_weight"), limits.products[0].HasField("max_weight")) == (True, False)
    assert servicer.asked[0].objective.WhichOneof("goal") == "minimum_variance"
    assert answer.market_snapshot == "m"


@pytest.mark.parametrize(
    ("sent", "raised", "reason"),
    [
        (NotReady("loading"), UpstreamUnavailable, "UPSTREAM_UNAVAILABLE"),
        (CapacityExceeded("queue full"), UpstreamUnavailable, "UPSTREAM_UNAVAILABLE"),
        (NotFound("no such snapshot"), NotFound, "NOT_FOUND"),
        (PreconditionFailed("MARKET_DATA_STALE", "too old"), PreconditionFailed, "MARKET_DATA_STALE"),
        (SolutionRefused("no solver"), SolutionRefused, "SOLUTION_REFUSED"),
        (InvalidRequest([FieldViolation("problem.products", "secret 4711")]), ServiceError, "INTERNAL"),
    ],
)
async def test_each_error_keeps_its_meaning(sent: Exception, raised: type[ServiceError], reason: str) -> None:
    servicer = Optimizer(sent)  # type: ignore[abstract]
    async with serving(servicer) as channel:
        with pytest.raises(raised) as error:
            await GrpcOptimizer(channel, 10.0).optimize(PROBLEM, MinimumVariance())

    assert error.value.reason == reason
    assert "4711" not in error.value.message


async def test_a_refused_request_is_logged_by_field_and_never_by_value(caplog: pytest.LogCaptureFixture) -> None:
    servicer = Optimizer(InvalidRequest([FieldViolation("problem.products[0]", "secret 4711")]))  # type: ignore[abstract]
    async with serving(servicer) as channel:
        with caplog.at_level(logging.ERROR), pytest.raises(ServiceError):
            await GrpcOptimizer(channel, 10.0).optimize(PROBLEM, MinimumVariance())

    (line,) = [record for record in caplog.records if record.name.startswith("services.orchestrator")]
    assert line.fields == ["problem.products[0]"]  # type: ignore[attr-defined]


async def test_a_missed_deadline_and_a_dead_address_are_outages_that_name_the_service() -> None:
    servicer = Optimizer(seconds=5.0)  # type: ignore[abstract]
    async with serving(servicer) as channel:
        with pytest.raises(UpstreamUnavailable, match="optimizer"):
            await GrpcOptimizer(channel, 0.2).optimize(PROBLEM, MinimumVariance())
    async with connect("127.0.0.1:1") as channel:
        with pytest.raises(UpstreamUnavailable, match="retrieval"):
            await GrpcRetrieval(channel, 5.0).search([QUERY], "")


async def test_a_market_snapshot_is_found_over_pages_and_remembered() -> None:
    servicer = Optimizer()  # type: ignore[abstract]
    async with serving(servicer) as channel:
        optimizer = GrpcOptimizer(channel, 5.0)
        found = [await optimizer.market_snapshot("m2") for _ in range(3)]
        unknown = await optimizer.market_snapshot("other")

    assert found[0] == found[1] == found[2]
    assert found[0] is not None
    assert (found[0].label, str(found[0].as_of)) == ("ILLUSTRATIVE", "2026-11-01")
    assert unknown is None
    assert servicer.lists == 6


@pytest.mark.parametrize("count", [0, 1, 100, 101])
async def test_searches_of_any_number_come_back_in_order(count: int) -> None:
    servicer = Retrieval()  # type: ignore[abstract]
    queries = [SearchQuery(f"q{i}", 3, QUERY.filter) for i in range(count)]
    async with serving(servicer) as channel:
        found = await GrpcRetrieval(channel, 5.0).search(queries, "s")

    assert [one.passages[0].id for one in found] == [query.query for query in queries]
    assert {one.index_snapshot for one in found} <= {"s"}
    assert max((len(batch.requests) for batch in servicer.asked), default=0) <= 100


async def test_a_text_arrives_piece_by_piece_and_its_bindings_are_told_apart() -> None:
    servicer = Advice()
    async with serving(servicer) as channel:
        parts = [part async for part in GrpcAdvice(channel, 5.0).write(brief(), None)]
        answer = [part async for part in GrpcAdvice(channel, 5.0).answer(Question("Why?", "en", ()))]

    segment, summary = parts
    assert isinstance(segment, Segment)
    assert summary == WritingSummary("m")
    assert [(b.kind, b.target, b.shown) for b in segment.bindings] == [
        ("FACT", "cost_share", "0.1%"),
        ("CITATION", "1", "[1]"),
    ]
    assert segment.unbound == "Fees are   for 中  ."
    assert segment.message == SEGMENT.SerializeToString(deterministic=True)
    assert answer == [Abstention("Why?")]


async def test_a_text_that_breaks_off_is_an_outage() -> None:
    servicer = Advice(NotReady("going down"))
    async with serving(servicer) as channel:
        with pytest.raises(UpstreamUnavailable, match="advice"):
            _ = [part async for part in GrpcAdvice(channel, 5.0).write(brief(), None)]


async def test_a_reader_that_stops_ends_the_writing() -> None:
    servicer = Advice()
    async with serving(servicer) as channel:

        async def read() -> None:
            async for _ in GrpcAdvice(channel, 60.0).write(brief("WAIT"), None):
                reading.set()

        reading = asyncio.Event()
        task = asyncio.create_task(read())
        await asyncio.wait_for(reading.wait(), 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        async with asyncio.timeout(10):
            await servicer.cancelled.wait()
