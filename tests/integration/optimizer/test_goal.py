"""Goals over real gRPC: from the shipped assumptions, from the caller's estimates and from prices."""

from __future__ import annotations

import hashlib
import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import pytest_asyncio
from fiducia.optimizer.v1 import estimates_pb2, goal_pb2
from fiducia.optimizer.v1 import optimizer_service_pb2_grpc as rpc
from fiducia.type.v1 import weight_pb2

from services.optimizer.answers import WarmUpJob
from services.optimizer.estimators import Estimation
from services.optimizer.history import PricePanel
from services.optimizer.market import MarketStore
from services.optimizer.pool import WorkerPool
from services.optimizer.price_snapshot import PriceSnapshot, encoded, write_prices
from services.optimizer.servicer import OptimizerServicer
from services.optimizer.snapshots import write_snapshot
from shared.snapshots import activate
from shared.status import reason_of, violations_of
from tests.integration.optimizer.requests import PRODUCTS, problem
from tests.serving import running
from tests.unit.optimizer.builders import kb_assumptions

pytestmark = pytest.mark.asyncio(loop_scope="module")

Stub = Any
SAFE, BOLD = "BND", "VTI"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stub]:
    root: Path = tmp_path_factory.mktemp("market")
    activate(root, write_snapshot(root, kb_assumptions()))
    write_prices(root, _prices(years=6))
    store = MarketStore(root)
    store.refresh()
    pool = WorkerPool(workers=1, queue=4, compiled_problems=8, snapshots=root)
    await pool.start(WarmUpJob(factors=1))

    def register(server: grpc.aio.Server) -> None:
        rpc.add_OptimizerServiceServicer_to_server(OptimizerServicer(store, pool), server)

    async with running(register) as channel:
        yield rpc.OptimizerServiceStub(channel)
    await pool.close()


def _goal(**fields: Any) -> goal_pb2.SimulateGoalRequest:
    """Return a retirement: twenty years of saving, fifteen of spending, safer with time."""
    path = [
        goal_pb2.GlideStep(from_year=year, weights=[_weight(BOLD, share), _weight(SAFE, 1.0 - share)])
        for year, share in ((0.0, 0.8), (15.0, 0.5), (20.0, 0.3))
    ]
    request = goal_pb2.SimulateGoalRequest(
        problem=problem(items=[item for item in PRODUCTS if item.id in (SAFE, BOLD)]),
        glide_path=path,
        initial_value=200_000.0,
        monthly_contribution=1_000.0,
        monthly_withdrawal=4_000.0,
        withdrawal_start_year=20.0,
        horizon_years=35.0,
        advisory_fee=0.0025,
        path_count=2_000,
        seed=11,
        wanted_probability=0.9,
    )
    for name, value in fields.items():
        setattr(request, name, value)
    return request


def _weight(product: str, weight: float) -> weight_pb2.Weight:
    return weight_pb2.Weight(product_id=product, weight=weight)


async def test_a_retirement_has_a_probability_an_error_a_fan_and_what_is_missing(stub: Stub) -> None:
    response = await stub.SimulateGoal(_goal())

    assert 0.1 < response.success_probability < 0.9
    assert response.ruin_probability == pytest.approx(1.0 - response.success_probability)
    assert 0.0 < response.standard_error < 0.02
    assert response.scramble_count >= 16
    assert list(response.percentiles) == [0.05, 0.25, 0.5, 0.75, 0.95]
    assert [point.year for point in response.fan] == [float(year) for year in range(36)]
    assert list(response.fan[0].values) == [200_000.0] * 5
    assert response.extra_monthly_contribution > 0.0
    assert len(response.market_snapshot) == 64


async def test_paying_the_extra_contribution_reaches_the_wanted_probability(stub: Stub) -> None:
    before = await stub.SimulateGoal(_goal())

    after = await stub.SimulateGoal(_goal(monthly_contribution=1_000.0 + before.extra_monthly_contribution))

    assert after.success_probability >= 0.9
    assert after.extra_monthly_contribution == 0.0


async def test_the_same_seed_gives_the_same_bytes(stub: Stub) -> None:
    first, again, other = [await stub.SimulateGoal(_goal(seed=seed)) for seed in (11, 11, 12)]

    assert first.SerializeToString(deterministic=True) == again.SerializeToString(deterministic=True)
    assert first.fan != other.fan


async def test_inflation_of_the_market_is_the_default(stub: Stub) -> None:
    assumed = await stub.SimulateGoal(_goal())

    sent = await stub.SimulateGoal(_goal(inflation=kb_assumptions().inflation.USD))

    assert assumed.fan == sent.fan


async def test_no_extra_contribution_is_sent_where_none_was_asked_for(stub: Stub) -> None:
    request = _goal()
    request.ClearField("wanted_probability")

    response = await stub.SimulateGoal(request)

    assert not response.HasField("extra_monthly_contribution")


async def test_the_callers_estimates_replace_those_of_the_market(stub: Stub) -> None:
    request = _goal(horizon_years=1.0, monthly_contribution=0.0, inflation=0.0, advisory_fee=0.0)
    for terms in request.problem.products:
        terms.expense_ratio = 0.0
    request.problem.estimates.expected_returns.extend([0.05, 0.05])
    request.problem.estimates.covariance.dense.CopyFrom(estimates_pb2.DenseCovariance(lower_triangle=[0.0, 0.0, 0.0]))

    response = await stub.SimulateGoal(request)

    assert list(response.fan[-1].values) == pytest.approx([210_000.0] * 5, abs=0.005)


async def test_a_bootstrap_draws_from_prices(stub: Stub) -> None:
    request = _goal(return_model=goal_pb2.RETURN_MODEL_BLOCK_BOOTSTRAP, inflation=0.0, advisory_fee=0.0)
    request.problem.market_snapshot = hashlib.sha256(_prices(years=6)).hexdigest()

    response = await stub.SimulateGoal(request)

    assert response.market_snapshot == request.problem.market_snapshot
    assert response.scramble_count == 0
    p = response.success_probability
    assert response.standard_error == pytest.approx(math.sqrt(p * (1.0 - p) / 2_000))
    assert response.fan[-1].values[0] < response.fan[-1].values[4]


async def test_a_bootstrap_without_prices_is_not_supported(stub: Stub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.SimulateGoal(_goal(return_model=goal_pb2.RETURN_MODEL_BLOCK_BOOTSTRAP))

    assert refusal.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert reason_of(refusal.value) == "UNSUPPORTED_COMBINATION"


async def test_every_wrong_field_is_reported_at_once(stub: Stub) -> None:
    request = _goal(horizon_years=math.nan, target_value=-1.0)
    request.glide_path[1].weights[0].weight = 0.9
    request.problem.products[1].ClearField("expense_ratio")

    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.SimulateGoal(request)

    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert {field for field, _ in violations_of(refusal.value)} == {
        "problem.products[1].expense_ratio",
        "glide_path[1].weights",
        "horizon_years",
        "target_value",
    }


async def test_a_portfolio_beyond_reason_is_refused_by_its_step(stub: Stub) -> None:
    request = _goal()
    request.problem.estimates.expected_returns.extend([-3.0, -3.0])
    request.problem.estimates.covariance.dense.CopyFrom(estimates_pb2.DenseCovariance(lower_triangle=[0.1, 0.0, 0.1]))

    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.SimulateGoal(request)

    assert [field for field, _ in violations_of(refusal.value)] == [f"glide_path[{i}].weights" for i in range(3)]


async def test_an_empty_request_is_refused(stub: Stub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.SimulateGoal(goal_pb2.SimulateGoalRequest())

    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def _prices(years: int) -> bytes:
    """Return a snapshot of daily prices of the two products."""
    rng = np.random.default_rng(1)
    days = np.arange(np.datetime64("2015-01-01"), np.datetime64("2015-01-01") + 365 * years)
    days = days[np.is_busday(days)]
    prices = 100.0 * np.cumprod(1.0 + rng.normal([1e-4, 3e-4], [2e-3, 1e-2], (len(days), 2)), axis=0)
    panel = PricePanel(days, (SAFE, BOLD), np.asarray(prices, dtype=np.float64))
    return encoded(PriceSnapshot("", "two funds", "USD", Estimation(), panel, ()))
