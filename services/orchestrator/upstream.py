"""Retrieval, optimizer and advice over gRPC: deadlines, and errors in the words of the contract."""

from __future__ import annotations

import itertools
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import grpc
from fiducia.advice.v1 import advice_service_pb2, advice_service_pb2_grpc
from fiducia.optimizer.v1 import optimizer_service_pb2, optimizer_service_pb2_grpc
from fiducia.retrieval.v1 import retrieval_service_pb2_grpc

from services.orchestrator.passages import Found
from services.orchestrator.portfolio import Infeasibility, Objective, OptimalPortfolio, PortfolioProblem
from services.orchestrator.ports import MarketSnapshot
from services.orchestrator.queries import SearchQuery
from services.orchestrator.wire_advice import advice_part_of, answer_part_of, brief_message, question_message
from services.orchestrator.wire_portfolio import objective_message, outcome_of, problem_message
from services.orchestrator.wire_retrieval import batch_message, found_of
from services.orchestrator.wire_values import date_of
from services.orchestrator.writing import Abstention, Brief, Question, Segment, Strictness, WritingSummary
from shared.client import upstream_error
from shared.errors import NotFound, PreconditionFailed, ServiceError, SolutionRefused, UpstreamUnavailable
from shared.status import reason_of, violations_of

log = logging.getLogger(__name__)

Response = TypeVar("Response")

# The contract's bound on one batch.
_MAX_BATCH = 100
_SNAPSHOT_PAGE = 100

# What a service answers while it goes down or has too much to do is an outage to us, not a fault of ours.
_OUTAGES = (grpc.StatusCode.CANCELLED, grpc.StatusCode.RESOURCE_EXHAUSTED)


class GrpcRetrieval:
    """The retrieval service. seconds: deadline of one batch of searches."""

    def __init__(self, channel: grpc.aio.Channel, seconds: float) -> None:
        self._stub = retrieval_service_pb2_grpc.RetrievalServiceStub(channel)
        self._seconds = seconds

    async def search(self, queries: Sequence[SearchQuery], index_snapshot: str) -> tuple[Found, ...]:
        """Return the results of each query, in order."""
        found: list[Found] = []
        for start in range(0, len(queries), _MAX_BATCH):
            request = batch_message(queries[start : start + _MAX_BATCH], index_snapshot)
            with _translated("retrieval"):
                response = await self._stub.BatchSearchPassages(request, timeout=self._seconds)
            found += [found_of(one) for one in response.responses]
        return tuple(found)


class GrpcOptimizer:
    """The optimizer service. seconds: deadline of one portfolio."""

    def __init__(self, channel: grpc.aio.Channel, seconds: float) -> None:
        self._stub = optimizer_service_pb2_grpc.OptimizerServiceStub(channel)
        self._seconds = seconds
        self._snapshots: dict[str, MarketSnapshot] = {}

    async def optimize(self, problem: PortfolioProblem, objective: Objective) -> OptimalPortfolio | Infeasibility:
        """Return the best portfolio, or the limits that contradict each other."""
        request = optimizer_service_pb2.OptimizePortfolioRequest(
            problem=problem_message(problem), objective=objective_message(objective)
        )
        with _translated("optimizer"):
            response = await self._stub.OptimizePortfolio(request, timeout=self._seconds)
        return outcome_of(response)

    async def market_snapshot(self, snapshot_id: str) -> MarketSnapshot | None:
        """Return the snapshot with this id, or None; what was seen once is remembered, as snapshots never change."""
        token = ""
        while snapshot_id not in self._snapshots:
            request = optimizer_service_pb2.ListMarketSnapshotsRequest(page_size=_SNAPSHOT_PAGE, page_token=token)
            with _translated("optimizer"):
                response = await self._stub.ListMarketSnapshots(request, timeout=self._seconds)
            for message in response.snapshots:
                as_of = date_of(message.as_of) if message.HasField("as_of") else None
                self._snapshots[message.id] = MarketSnapshot(message.id, message.assumption_set, as_of, message.label)
            token = response.next_page_token
            if not token:
                break
        return self._snapshots.get(snapshot_id)


class GrpcAdvice:
    """The advice service. seconds: deadline of one whole text."""

    def __init__(self, channel: grpc.aio.Channel, seconds: float) -> None:
        self._stub = advice_service_pb2_grpc.AdviceServiceStub(channel)
        self._seconds = seconds

    async def write(self, brief: Brief, strictness: Strictness | None) -> AsyncIterator[Segment | WritingSummary]:
        """Yield segments as they are verified, then one summary."""
        call = self._stub.StreamAdvice(brief_message(brief, strictness), timeout=self._seconds)
        async for response in _parts("advice", call):
            yield advice_part_of(response)

    async def answer(self, question: Question) -> AsyncIterator[Segment | Abstention]:
        """Yield the segments of an answer, or one abstention."""
        call = self._stub.StreamAnswer(question_message(question), timeout=self._seconds)
        async for response in _parts("advice", call):
            part = answer_part_of(response)
            if part is not None:
                yield part

    async def prompts(self) -> str:
        """Return the digest of the prompts in use."""
        with _translated("advice"):
            response = await self._stub.GetModel(advice_service_pb2.GetModelRequest(), timeout=self._seconds)
        return str(response.prompts_digest)


async def _parts(service: str, call: grpc.aio.UnaryStreamCall[Any, Response]) -> AsyncIterator[Response]:
    try:
        with _translated(service):
            async for response in call:
                yield response
    finally:
        call.cancel()  # Whoever stops reading no longer wants the text.


@contextmanager
def _translated(service: str) -> Iterator[None]:
    """Turn a call's error into one of the contract; a request that is refused is a fault of ours."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise translated(service, error) from error


def translated(service: str, error: grpc.aio.AioRpcError) -> Exception:
    """Return the error that a failed call means to a proposal."""
    if error.code() in _OUTAGES:
        return UpstreamUnavailable(service, error.details() or error.code().name)
    reason, message = reason_of(error), f"{service}: {error.details()}"
    if error.code() == grpc.StatusCode.NOT_FOUND:
        return NotFound(message)
    if error.code() == grpc.StatusCode.FAILED_PRECONDITION and reason:
        return PreconditionFailed(reason, message)
    if reason == SolutionRefused.reason:
        return SolutionRefused(message)
    if error.code() == grpc.StatusCode.INVALID_ARGUMENT:
        return _refused(service, error)
    return upstream_error(service, error)


def _refused(service: str, error: grpc.aio.AioRpcError) -> ServiceError:
    # Field paths only: descriptions may repeat values of the client.
    fields = [field for field, _ in itertools.islice(violations_of(error), 20)]
    log.error("upstream refused a request", extra={"upstream": service, "fields": fields})
    return ServiceError(f"{service} refused a request of the orchestrator; the log names the fields")
