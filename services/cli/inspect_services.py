"""Ask each service what it has loaded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import grpc
from fiducia.advice.v1 import advice_service_pb2, advice_service_pb2_grpc
from fiducia.advisor.v1 import advisor_service_pb2, advisor_service_pb2_grpc
from fiducia.optimizer.v1 import optimizer_service_pb2, optimizer_service_pb2_grpc
from fiducia.retrieval.v1 import retrieval_service_pb2, retrieval_service_pb2_grpc

from services.cli.connect import CALL_SECONDS, calls_to
from services.cli.deploy import Deployment
from services.cli.format import day, short
from services.cli.model_server import MODEL, last_event
from services.cli.show_services import Loaded
from shared.client import connect

Ask = Callable[[grpc.aio.Channel], Awaitable[str]]

_FREEDOM = {
    advice_service_pb2.STRICTNESS_PHRASES: "chooses among true phrases",
    advice_service_pb2.STRICTNESS_FREE_WORDS: "free words without digits",
}


async def loaded_services(deployment: Deployment) -> list[Loaded]:
    """Return each service that is known by address, with what it has loaded."""
    known = [name for name in _ASK if name in deployment.addresses]
    words = await asyncio.gather(*(_asked(name, deployment.addresses[name]) for name in known))
    services = [Loaded(name, deployment.addresses[name], text) for name, text in zip(known, words, strict=True)]
    if MODEL in deployment.addresses:
        services.append(await _model_server(deployment))
    return services


async def get_model(address: str) -> advice_service_pb2.GetModelResponse:
    """Return what the advice service says of its model."""
    async with connect(address) as channel:
        stub = advice_service_pb2_grpc.AdviceServiceStub(channel)
        return await stub.GetModel(advice_service_pb2.GetModelRequest(), timeout=CALL_SECONDS)


async def _asked(name: str, address: str) -> str:
    async with connect(address) as channel:
        with calls_to(f"{name} at {address}"):
            return await _ASK[name](channel)


async def _orchestrator(channel: grpc.aio.Channel) -> str:
    stub = advisor_service_pb2_grpc.AdvisorServiceStub(channel)
    answer = await stub.ListProducts(advisor_service_pb2.ListProductsRequest(page_size=1), timeout=CALL_SECONDS)
    return f"{answer.total_size} products, catalogue {short(answer.catalogue)}"


async def _retrieval(channel: grpc.aio.Channel) -> str:
    stub = retrieval_service_pb2_grpc.RetrievalServiceStub(channel)
    answer = await stub.ListIndexSnapshots(retrieval_service_pb2.ListIndexSnapshotsRequest(), timeout=CALL_SECONDS)
    index = next((snapshot for snapshot in answer.snapshots if snapshot.active), None)
    if index is None:
        return "no active index"
    encoders = ", ".join(f"{one.name} {short(one.digest)} ({'+'.join(one.languages)})" for one in index.encoders)
    counts = f"{index.passage_count} passages of {index.document_count} documents"
    return f"{counts}, index {short(index.id)}, encoders {encoders}"


async def _optimizer(channel: grpc.aio.Channel) -> str:
    stub = optimizer_service_pb2_grpc.OptimizerServiceStub(channel)
    answer = await stub.ListMarketSnapshots(optimizer_service_pb2.ListMarketSnapshotsRequest(), timeout=CALL_SECONDS)
    market = next((snapshot for snapshot in answer.snapshots if snapshot.active), None)
    if market is None:
        return "no active market snapshot"
    kind = f"{market.asset_class_count} asset classes, {market.label.lower()} assumptions of {day(market.as_of)}"
    return f"{kind}, snapshot {short(market.id)}"


async def _advice(channel: grpc.aio.Channel) -> str:
    stub = advice_service_pb2_grpc.AdviceServiceStub(channel)
    model = await stub.GetModel(advice_service_pb2.GetModelRequest(), timeout=CALL_SECONDS)
    freedom = _FREEDOM.get(model.strictness, "freedom not stated")
    languages = f"writes {', '.join(model.languages)}" if model.languages else "writes no language by itself"
    return f"prompts {short(model.prompts_digest)}, the model {freedom}, {languages}; the rest are templates"


async def _model_server(deployment: Deployment) -> Loaded:
    model = await get_model(deployment.addresses["advice"])
    if model.available:
        words = f"{model.model}, answers"
    elif deployment.model_output is None:
        words = "does not answer; without it text comes from templates, marked"
    else:
        doing = last_event(deployment.model_output).detail or "just started"
        words = f"starting; nothing waits for it until text is written ({doing})"
    return Loaded("model (vLLM)", deployment.addresses[MODEL], words)


_ASK: dict[str, Ask] = {
    "orchestrator": _orchestrator,
    "retrieval": _retrieval,
    "optimizer": _optimizer,
    "advice": _advice,
}
