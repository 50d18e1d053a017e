"""ProposeRebalance over real gRPC with a real worker process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
import pytest_asyncio
from fiducia.optimizer.v1 import optimizer_service_pb2_grpc as rpc
from fiducia.optimizer.v1 import rebalance_pb2 as messages

from services.optimizer.answers import WarmUpJob
from services.optimizer.market import MarketStore
from services.optimizer.pool import WorkerPool
from services.optimizer.servicer import OptimizerServicer
from shared.status import reason_of, violations_of
from tests.serving import running
from tests.unit.optimizer.rebalance_messages import rebalance_request

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Any]:
    root = tmp_path_factory.mktemp("market")
    pool = WorkerPool(workers=1, queue=4, compiled_problems=4, snapshots=root)
    await pool.start(WarmUpJob(1))
    store = MarketStore(root)

    def register(server: grpc.aio.Server) -> None:
        rpc.add_OptimizerServiceServicer_to_server(OptimizerServicer(store, pool), server)

    async with running(register) as channel:
        yield rpc.OptimizerServiceStub(channel)
    await pool.close()


async def test_a_loss_is_harvested_with_costs_and_without_a_market_snapshot(stub: Any) -> None:
    response: messages.ProposeRebalanceResponse = await stub.ProposeRebalance(rebalance_request())

    # Drift is below max_drift, so only the harvest is left to do: 30 S bring 300 less 0.30 less 0.10, and 299.60 buy
    # 29 R for 290 and 0.29 and 0.10.
    assert [(t.product_id, t.units, t.purpose) for t in response.trades] == [
        ("S", -30.0, "harvest"),
        ("R", 29.0, "replacement"),
    ]
    assert [(s.lot_id, s.units, s.gain, s.long_term, s.wash_sale) for s in response.lot_sales] == [
        ("l1", 30.0, -150.0, True, False)
    ]
    assert (response.long_term_gain, response.short_term_gain, response.disallowed_loss) == (-150.0, 0.0, 0.0)
    assert response.estimated_tax == 0.0
    assert response.trading_cost == pytest.approx(0.79)
    assert response.cash_after == pytest.approx(14.21)
    assert [weight.product_id for weight in response.weights_after] == ["S", "R", "B"]
    worth = 1005.0 - response.trading_cost
    assert sum(weight.weight for weight in response.weights_after) + response.cash_after / worth == pytest.approx(1.0)
    assert any("not known" in note for note in response.notes)


async def test_a_target_that_is_met_asks_for_nothing(stub: Any) -> None:
    request = rebalance_request()
    request.tax.harvest_losses = False

    response = await stub.ProposeRebalance(request)

    assert not response.triggered
    assert not response.trades
    assert response.drift_after == response.drift_before == pytest.approx(0.5 * 10 / 1005)


async def test_faults_come_with_their_fields(stub: Any) -> None:
    request = rebalance_request()
    request.products[0].price = 0.0
    request.min_trade = -1.0

    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.ProposeRebalance(request)

    assert refusal.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(refusal.value) == "INVALID_REQUEST"
    assert {field for field, _ in violations_of(refusal.value)} == {"products[0].price", "min_trade"}


async def test_a_withdrawal_that_cannot_be_paid_names_its_field(stub: Any) -> None:
    request = rebalance_request()
    request.cash_flow = -1004.0

    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.ProposeRebalance(request)

    assert reason_of(refusal.value) == "INVALID_REQUEST"
    assert [field for field, _ in violations_of(refusal.value)] == ["cash_flow"]
