"""One snapshot described: what it holds, its faults, how estimates are made from it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import pytest_asyncio
from fiducia.optimizer.v1 import market_pb2
from fiducia.optimizer.v1 import optimizer_service_pb2_grpc as rpc

from services.optimizer.answers import WarmUpJob
from services.optimizer.ingest import ingest
from services.optimizer.market import MarketStore
from services.optimizer.pool import WorkerPool
from services.optimizer.servicer import OptimizerServicer
from shared.status import reason_of
from tests.serving import running
from tests.unit.optimizer.builders import KB
from tests.unit.optimizer.price_tables import walk_prices, weekdays, wide_csv

pytestmark = pytest.mark.asyncio(loop_scope="module")

Stub = Any
DAYS = weekdays(700)
NAMES = ("AAA", "BBB", "CCC")
PRICES = walk_prices(700, 3)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stub]:
    root: Path = tmp_path_factory.mktemp("market")
    ingest(KB, root)
    store = MarketStore(root)
    store.refresh()
    pool = WorkerPool(workers=1, queue=2, compiled_problems=2, snapshots=root)
    await pool.start(WarmUpJob(store.market("").factor_count))

    def register(server: grpc.aio.Server) -> None:
        rpc.add_OptimizerServiceServicer_to_server(OptimizerServicer(store, pool), server)

    async with running(register) as channel:
        yield rpc.OptimizerServiceStub(channel)
    await pool.close()


def _import(content: bytes, **changes: Any) -> market_pb2.ImportMarketDataRequest:
    return market_pb2.ImportMarketDataRequest(prices=content, currency="USD", name="Made up", **changes)


async def test_a_snapshot_of_prices_is_described_with_its_faults_and_its_estimation(stub: Stub) -> None:
    prices = PRICES.copy()
    prices[:10, 2] = np.nan
    estimation = market_pb2.Estimation(covariance=market_pb2.COVARIANCE_ESTIMATOR_OAS, window_days=500)
    kept = await stub.ImportMarketData(_import(wide_csv(DAYS, NAMES, prices), estimation=estimation))
    asked = market_pb2.GetMarketSnapshotRequest(market_snapshot=kept.market_snapshot)

    found = await stub.GetMarketSnapshot(asked)

    assert (found.market_snapshot, found.name, found.active) == (kept.market_snapshot, "Made up", False)
    assert found.kind == market_pb2.MARKET_SNAPSHOT_KIND_PRICES
    assert (list(found.product_ids), list(found.currencies), found.day_count) == (list(NAMES), ["USD"], 700)
    assert (found.first_date, found.last_date) == (kept.first_date, kept.last_date)
    assert list(found.faults) == list(kept.faults) != []
    assert found.create_time.seconds > 0
    assert found.estimation == market_pb2.Estimation(
        returns=market_pb2.RETURN_ESTIMATOR_HISTORICAL,
        covariance=market_pb2.COVARIANCE_ESTIMATOR_OAS,
        half_life_days=63.0,
        market_premium=0.04,
        window_days=500,
    )


async def test_without_a_name_the_active_snapshot_is_described(stub: Stub) -> None:
    found = await stub.GetMarketSnapshot(market_pb2.GetMarketSnapshotRequest())

    assert (found.active, found.kind) == (True, market_pb2.MARKET_SNAPSHOT_KIND_ASSUMPTIONS)
    assert (found.label, list(found.currencies)) == ("ILLUSTRATIVE", ["CNY", "USD"])
    assert "us_large_equity" in found.asset_classes
    assert not found.HasField("first_date")
    assert not found.HasField("estimation")


@pytest.mark.parametrize(
    ("digest", "reason"), [("f" * 64, "NOT_FOUND"), ("latest", "INVALID_REQUEST"), ("../active", "INVALID_REQUEST")]
)
async def test_a_snapshot_that_is_not_here_is_not_described(stub: Stub, digest: str, reason: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.GetMarketSnapshot(market_pb2.GetMarketSnapshotRequest(market_snapshot=digest))

    assert reason_of(refusal.value) == reason
    assert "market_snapshot" in str(refusal.value.details())
