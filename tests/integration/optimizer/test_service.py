"""The servicer with real worker processes, over real gRPC."""

from __future__ import annotations

import asyncio
import math
import os
import signal
from collections.abc import AsyncIterator, Callable
from datetime import date
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
from tests.integration.optimizer.requests import MANY, PRODUCTS, frontier, optimization
from tests.serving import running
from tests.unit.optimizer.builders import kb_assumptions

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUEUE = 4
Stub = Any


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the market snapshots."""
    return tmp_path_factory.mktemp("market")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool(root: Path) -> AsyncIterator[WorkerPool]:
    pool = WorkerPool(workers=2, queue=QUEUE, compiled_problems=8, snapshots=root)
    await pool.start(WarmUpJob(len(kb_assumptions().classes) + 1))
    yield pool
    await pool.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stub(pool: WorkerPool, root: Path) -> AsyncIterator[Stub]:
    older = kb_assumptions().model_copy(update={"id": "older-set", "as_of": date(2020, 1, 1)})
    write_snapshot(root, older)
    activate(root, write_snapshot(root, kb_assumptions()))
    store = MarketStore(root)
    store.refresh()

    def register(server: grpc.aio.Server) -> None:
        rpc.add_OptimizerServiceServicer_to_server(OptimizerServicer(store, pool), server)

    async with running(register) as channel:
        yield rpc.OptimizerServiceStub(channel)


def _bound(product: str, **bounds: float) -> messages.WeightBound:
    return messages.WeightBound(product_id=product, **bounds)


async def test_a_portfolio_comes_with_analysis_proof_and_reasons(stub: Stub) -> None:
    request = optimization(messages.Limits(products=[_bound("BND", max_weight=0.1)], max_volatility=0.05))
    request.problem.current_weights.append(weight_pb2.Weight(product_id="VTI", weight=0.8))

    response = await stub.OptimizePortfolio(request)

    best = response.optimal
    assert [weight.product_id for weight in best.weights] == [product.id for product in PRODUCTS]
    assert sum(weight.weight for weight in best.weights) == pytest.approx(1.0)
    assert best.analysis.volatility <= 0.05 + 1e-9
    assert sum(part.contribution for part in best.analysis.risk_contributions) == pytest.approx(
        best.analysis.volatility
    )
    assert (best.analysis.cvar.confidence, best.analysis.cvar.horizon_years) == (0.95, 1.0)
    assert best.analysis.cvar.distribution == messages.RETURN_DISTRIBUTION_NORMAL
    assert best.analysis.expected_return - best.analysis.expected_return_net == pytest.approx(
        best.analysis.expense_ratio
    )
    assert best.current.volatility > best.analysis.volatility
    certificate = best.certificate
    worst = max(certificate.primal_residual, certificate.dual_residual, certificate.complementarity_residual)
    assert worst <= certificate.tolerance == 1e-6
    assert (certificate.solver, bool(certificate.solver_version)) == ("CLARABEL", True)
    assert {limit.field for limit in best.binding_limits} <= {
        "limits.products[BND].max_weight",
        "limits.max_volatility",
    }
    assert len(response.market_snapshot) == 64


async def test_without_holdings_there_is_no_current_analysis(stub: Stub) -> None:
    response = await stub.OptimizePortfolio(optimization())

    assert not response.optimal.HasField("current")


async def test_a_minimum_variance_is_less_volatile_than_a_utility_optimum(stub: Stub) -> None:
    request = optimization()
    least = service.OptimizePortfolioRequest(
        problem=request.problem, objective=objective_pb2.Objective(minimum_variance=objective_pb2.MinimumVariance())
    )

    bold, timid = await asyncio.gather(stub.OptimizePortfolio(request), stub.OptimizePortfolio(least))

    assert timid.optimal.analysis.volatility < bold.optimal.analysis.volatility


async def test_a_contradiction_is_an_answer_and_names_the_limits(stub: Stub) -> None:
    shares = messages.GroupBound(name="shares", asset_classes=["us_large_equity"], min_weight=0.8)

    response = await stub.OptimizePortfolio(optimization(messages.Limits(groups=[shares], max_volatility=0.05)))

    conflicts = {conflict.field: conflict for conflict in response.infeasibility.conflicts}
    assert set(conflicts) == {"limits.groups[shares].min_weight", "limits.max_volatility"}
    assert conflicts["limits.groups[shares].min_weight"].bound == 0.8
    assert conflicts["limits.max_volatility"].relaxed_bound > 0.05


async def test_a_relaxed_bound_that_does_not_exist_is_absent(stub: Stub) -> None:
    limits = messages.Limits(
        products=[_bound("BND", min_weight=0.5, max_weight=0.3), _bound("AGG", min_weight=0.4, max_weight=0.2)]
    )

    response = await stub.OptimizePortfolio(optimization(limits))

    assert [conflict.HasField("relaxed_bound") for conflict in response.infeasibility.conflicts] == [False, False]
    assert [one.HasField("relaxed_bound") for one in response.infeasibility.relax_together] == [True, True]


async def test_a_frontier_rises(stub: Stub) -> None:
    response = await stub.ComputeFrontier(frontier(5))

    points = response.frontier.points
    assert len(points) == 5
    assert [p.expected_return_net for p in points] == sorted(p.expected_return_net for p in points)
    assert [p.volatility for p in points] == sorted(p.volatility for p in points)


async def test_the_same_request_is_answered_alike_by_every_worker(stub: Stub) -> None:
    request = optimization(messages.Limits(max_volatility=0.07))
    others = [optimization(messages.Limits(max_volatility=limit)) for limit in (0.03, 0.09)]

    first, *_ = await asyncio.gather(*(stub.OptimizePortfolio(each) for each in (request, *others)))
    again = await asyncio.gather(*(stub.OptimizePortfolio(request) for _ in range(4)))

    weights = [weight.weight for weight in first.optimal.weights]
    for response in again:
        assert [weight.weight for weight in response.optimal.weights] == pytest.approx(weights, abs=1e-9)


async def test_every_wrong_field_is_reported_at_once(stub: Stub) -> None:
    request = optimization(aversion=math.nan)
    request.problem.base_currency = "EUR"
    request.problem.products[3].ClearField("expense_ratio")

    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.OptimizePortfolio(request)

    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(refusal.value) == "INVALID_REQUEST"
    assert [field for field, _ in violations_of(refusal.value)] == [
        "problem.base_currency",
        "problem.products[3].expense_ratio",
        "objective.mean_variance_utility.risk_aversion",
    ]


@pytest.mark.parametrize("method", ["OptimizePortfolio", "ComputeFrontier"])
async def test_an_empty_request_is_refused(stub: Stub, method: str) -> None:
    empty = {
        "OptimizePortfolio": service.OptimizePortfolioRequest(),
        "ComputeFrontier": service.ComputeFrontierRequest(),
    }

    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await getattr(stub, method)(empty[method])

    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT


async def test_an_unknown_snapshot_is_not_found(stub: Stub) -> None:
    request = optimization()
    request.problem.market_snapshot = "f" * 64

    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.OptimizePortfolio(request)

    assert refusal.value.code() == grpc.StatusCode.NOT_FOUND


async def test_snapshots_are_listed_newest_first_in_pages(stub: Stub) -> None:
    first = await stub.ListMarketSnapshots(service.ListMarketSnapshotsRequest(page_size=1))
    second = await stub.ListMarketSnapshots(
        service.ListMarketSnapshotsRequest(page_size=1, page_token=first.next_page_token)
    )

    newest, older = first.snapshots[0], second.snapshots[0]
    assert (newest.active, newest.assumption_set, newest.label) == (True, kb_assumptions().id, "ILLUSTRATIVE")
    assert newest.asset_class_count == len(kb_assumptions().classes)
    assert (older.active, older.as_of.year, second.next_page_token) == (False, 2020, "")


@pytest.mark.parametrize("change", [{"page_size": -1}, {"page_size": 101}, {"page_token": "elsewhere"}])
async def test_a_wrong_page_is_refused(stub: Stub, change: dict[str, Any]) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.ListMarketSnapshots(service.ListMarketSnapshotsRequest(**change))

    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT


async def _until(claim: Callable[[], bool], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not claim():
            await asyncio.sleep(0.02)


async def test_a_full_queue_refuses_at_once_and_recovers(stub: Stub, pool: WorkerPool) -> None:
    calls = [stub.ComputeFrontier(frontier(50)) for _ in range(2 + QUEUE)]
    await _until(lambda: pool.waiting == QUEUE)

    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.OptimizePortfolio(optimization())

    assert refusal.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert reason_of(refusal.value) == "CAPACITY"
    assert all(len(response.frontier.points) == 50 for response in await asyncio.gather(*calls))


async def test_a_deadline_that_cannot_be_met_is_refused_at_once(stub: Stub) -> None:
    await stub.ComputeFrontier(frontier(100))

    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.ComputeFrontier(frontier(100), timeout=0.1)

    assert refusal.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "the deadline leaves" in str(refusal.value.details())


async def test_a_cancelled_call_stops_its_worker_and_a_new_one_takes_its_place(stub: Stub, pool: WorkerPool) -> None:
    before = set(pool.process_ids)
    call = stub.ComputeFrontier(frontier(100, MANY))
    await _until(lambda: pool.idle == 1)

    call.cancel()

    await _until(lambda: len(set(pool.process_ids) & before) == 1)
    await _until(lambda: pool.idle == 2)
    assert (await stub.OptimizePortfolio(optimization())).WhichOneof("outcome") == "optimal"


async def test_workers_that_die_are_replaced_before_the_next_call(stub: Stub, pool: WorkerPool) -> None:
    victims = pool.process_ids
    for pid in victims:
        os.kill(pid, signal.SIGKILL)

    assert (await stub.OptimizePortfolio(optimization())).WhichOneof("outcome") == "optimal"
    assert not set(pool.process_ids) & set(victims)


async def test_too_many_products_are_refused_before_a_worker_is_asked(stub: Stub, pool: WorkerPool) -> None:
    calls = [stub.ComputeFrontier(frontier(50)) for _ in range(2)]
    await _until(lambda: pool.idle == 0)
    request = optimization()
    request.problem.products.extend([messages.ProductTerms()] * 1_001)

    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.OptimizePortfolio(request)

    assert [field for field, _ in violations_of(refusal.value)] == ["problem.products"]
    assert not any(call.done() for call in calls)
    await asyncio.gather(*calls)
