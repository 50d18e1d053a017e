"""Batches over real gRPC, with real worker processes."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from fiducia.optimizer.v1 import objective_pb2
from fiducia.optimizer.v1 import optimizer_service_pb2 as service
from fiducia.optimizer.v1 import optimizer_service_pb2_grpc as rpc
from fiducia.optimizer.v1 import portfolio_pb2 as messages
from fiducia.type.v1 import weight_pb2

from services.optimizer.answers import WarmUpJob
from services.optimizer.market import MarketStore
from services.optimizer.pool import WorkerPool
from services.optimizer.servicer import OptimizerServicer
from services.optimizer.snapshots import write_snapshot
from shared.snapshots import activate
from shared.status import reason_of, violations_of
from tests.integration.optimizer.requests import MANY, PRODUCTS, problem
from tests.serving import running
from tests.unit.optimizer.builders import kb_assumptions

pytestmark = pytest.mark.asyncio(loop_scope="module")

WORKERS = 2
Stub = Any


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the market snapshots."""
    return tmp_path_factory.mktemp("market")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool(root: Path) -> AsyncIterator[WorkerPool]:
    pool = WorkerPool(workers=WORKERS, queue=4, compiled_problems=8, snapshots=root)
    await pool.start(WarmUpJob(len(kb_assumptions().classes) + 1))
    yield pool
    await pool.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stub(pool: WorkerPool, root: Path) -> AsyncIterator[Stub]:
    activate(root, write_snapshot(root, kb_assumptions()))
    store = MarketStore(root)
    store.refresh()

    def register(server: grpc.aio.Server) -> None:
        rpc.add_OptimizerServiceServicer_to_server(OptimizerServicer(store, pool), server)

    async with running(register) as channel:
        yield rpc.OptimizerServiceStub(channel)


def _utility(aversion: float) -> objective_pb2.Objective:
    return objective_pb2.Objective(mean_variance_utility=objective_pb2.MeanVarianceUtility(risk_aversion=aversion))


def _item(name: str, aversion: float = 6.0, limits: messages.Limits | None = None) -> service.BatchItem:
    return service.BatchItem(item_id=name, limits=limits, objective=_utility(aversion))


async def _answers(stub: Stub, *items: service.BatchItem) -> dict[str, service.BatchOptimizePortfoliosResponse]:
    request = service.BatchOptimizePortfoliosRequest(universe=problem(), items=items)
    return {response.item_id: response async for response in stub.BatchOptimizePortfolios(request)}


async def test_each_client_gets_what_a_request_of_its_own_would_get(stub: Stub) -> None:
    caps = messages.Limits(max_volatility=0.08, products=[messages.WeightBound(product_id="BND", max_weight=0.2)])
    items = [_item(f"client {i}", 3.0 + i, caps if i % 2 else None) for i in range(12)]
    items[5].current_weights.append(weight_pb2.Weight(product_id="VTI", weight=0.5))

    found = await _answers(stub, *items)

    assert set(found) == {item.item_id for item in items}
    for item in items:
        alone = service.OptimizePortfolioRequest(problem=problem(item.limits), objective=item.objective)
        alone.problem.current_weights.extend(item.current_weights)
        optimal = (await stub.OptimizePortfolio(alone)).optimal
        assert [weight.weight for weight in found[item.item_id].optimal.weights] == pytest.approx(
            [weight.weight for weight in optimal.weights], abs=1e-6
        )


async def test_one_failing_client_does_not_fail_the_others(stub: Stub) -> None:
    parity = objective_pb2.Objective(risk_budgeting=objective_pb2.RiskBudgeting())
    bounds = [messages.WeightBound(product_id=item.id, max_weight=0.0) for item in PRODUCTS]

    found = await _answers(
        stub,
        _item("good"),
        _item("out of range", aversion=-1.0),
        service.BatchItem(item_id="unsupported", limits=messages.Limits(min_cash=0.1), objective=parity),
        _item("contradiction", limits=messages.Limits(products=bounds)),
        _item("unknown product", limits=messages.Limits(excluded_product_ids=["nothing"])),
        _item("good too", aversion=9.0),
    )

    outcomes = {name: response.WhichOneof("outcome") for name, response in found.items()}
    assert outcomes == {
        "good": "optimal",
        "out of range": "error",
        "unsupported": "error",
        "contradiction": "infeasibility",
        "unknown product": "error",
        "good too": "optimal",
    }
    assert found["out of range"].error.reason == "INVALID_REQUEST"
    assert found["out of range"].error.message.startswith("items[1].objective.mean_variance_utility.risk_aversion")
    assert found["unsupported"].error.reason == "UNSUPPORTED_COMBINATION"
    assert found["unknown product"].error.message.startswith("items[4].limits.excluded_product_ids[0]")
    assert found["contradiction"].infeasibility.conflicts


async def test_a_worker_that_dies_costs_its_item_alone(stub: Stub, pool: WorkerPool) -> None:
    request = service.BatchOptimizePortfoliosRequest(
        universe=problem(items=MANY), items=[_item(f"i{i}", 1.0 + i) for i in range(60)]
    )
    stream = stub.BatchOptimizePortfolios(request)
    found = [await stream.read()]
    os.kill(pool.process_ids[0], signal.SIGKILL)

    while (response := await stream.read()) is not grpc.aio.EOF:
        found.append(response)

    assert len({response.item_id for response in found}) == 60
    lost = [response.error for response in found if response.HasField("error")]
    assert [error.reason for error in lost] == ["INTERNAL"]


async def test_items_with_the_same_id_are_refused_together(stub: Stub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await _answers(stub, _item("a"), _item("b"), _item("a"))

    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(refusal.value) == "INVALID_REQUEST"
    assert [field for field, _ in violations_of(refusal.value)] == ["items[2].item_id"]


async def test_a_wrong_universe_is_refused_before_any_item(stub: Stub) -> None:
    request = service.BatchOptimizePortfoliosRequest(universe=problem(messages.Limits()), items=[_item("a")])
    request.universe.limits.max_volatility = 0.1

    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.BatchOptimizePortfolios(request).read()

    assert [field for field, _ in violations_of(refusal.value)] == ["universe.limits"]


async def test_a_batch_leaves_room_for_other_calls(stub: Stub) -> None:
    request = service.BatchOptimizePortfoliosRequest(
        universe=problem(items=MANY), items=[_item(f"i{i}", 1.0 + i) for i in range(200)]
    )
    stream = stub.BatchOptimizePortfolios(request)
    await stream.read()
    alone = service.OptimizePortfolioRequest(problem=problem(), objective=_utility(6.0))

    answers = await asyncio.gather(*(stub.OptimizePortfolio(alone) for _ in range(2)))

    assert [answer.WhichOneof("outcome") for answer in answers] == ["optimal"] * 2
    stream.cancel()


async def test_a_cancelled_stream_stops_the_rest(stub: Stub, pool: WorkerPool) -> None:
    many = [_item(f"i{i}", 1.0 + i / 100) for i in range(10_000)]
    stream = stub.BatchOptimizePortfolios(service.BatchOptimizePortfoliosRequest(universe=problem(), items=many))
    first = await stream.read()

    stream.cancel()

    assert first.item_id
    async with asyncio.timeout(60.0):
        while pool.idle < WORKERS or pool.waiting:
            await asyncio.sleep(0.02)
    assert len(await _answers(stub, _item("after"))) == 1
