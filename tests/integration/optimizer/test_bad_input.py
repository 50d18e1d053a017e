"""What is wrong with a request is told by field, however large the request, and the service goes on."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from fiducia.optimizer.v1 import estimates_pb2, objective_pb2, portfolio_pb2
from fiducia.optimizer.v1 import optimizer_service_pb2 as service
from fiducia.optimizer.v1 import optimizer_service_pb2_grpc as rpc

from services.optimizer.answers import WarmUpJob
from services.optimizer.ingest import ingest
from services.optimizer.market import MarketStore
from services.optimizer.parse_size import MAX_ENTRIES
from services.optimizer.pool import WorkerPool
from services.optimizer.servicer import OptimizerServicer
from shared.client import connect
from shared.interceptors import CallGuard
from shared.status import reason_of, violations_of
from tests.integration.optimizer.fuzz_requests import NAMES
from tests.integration.optimizer.requests import optimization
from tests.unit.optimizer.builders import KB

pytestmark = pytest.mark.asyncio(loop_scope="module")

Stub = Any
Request = service.OptimizePortfolioRequest
_MESSAGE_BYTES = 32 * 1024 * 1024
_DENSE = "problem.estimates.covariance.dense.lower_triangle"
_FACTOR = "problem.estimates.covariance.factor"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stub]:
    root: Path = tmp_path_factory.mktemp("market")
    ingest(KB, root)
    store = MarketStore(root)
    store.refresh()
    pool = WorkerPool(workers=1, queue=8, compiled_problems=8, snapshots=root)
    await pool.start(WarmUpJob(store.market("").factor_count))
    # As in shared.server, which binds its limit to the process's own server.
    server = grpc.aio.server(
        interceptors=[CallGuard(lambda: True)], options=[("grpc.max_receive_message_length", _MESSAGE_BYTES)]
    )
    rpc.add_OptimizerServiceServicer_to_server(OptimizerServicer(store, pool), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    before = pool.process_ids
    async with connect(f"127.0.0.1:{port}") as channel:
        yield rpc.OptimizerServiceStub(channel)
    assert pool.process_ids == before
    await server.stop(None)
    await pool.close()


def _inline(count: int = 3) -> Request:
    """Return a request with estimates of its own."""
    names = NAMES if count == len(NAMES) else tuple(f"p{i}" for i in range(count))
    factor = estimates_pb2.FactorCovariance(
        loadings=[1.0 + i / count for i in range(count)],
        factor_count=1,
        factor_covariance=[0.02],
        specific_variances=[0.01] * count,
    )
    estimates = estimates_pb2.Estimates(
        expected_returns=[0.03 + 0.05 * i / count for i in range(count)],
        covariance=estimates_pb2.CovarianceEstimate(factor=factor),
    )
    products = [portfolio_pb2.ProductTerms(product_id=name, expense_ratio=0.0) for name in names]
    asked = portfolio_pb2.PortfolioProblem(base_currency="USD", products=products, estimates=estimates)
    least = objective_pb2.Objective(minimum_variance=objective_pb2.MinimumVariance())
    return Request(problem=asked, objective=least)


def _with(change: Callable[[Request], object]) -> Request:
    request = _inline()
    change(request)
    return request


def _dense(request: Request, *triangle: float) -> None:
    request.problem.estimates.covariance.dense.lower_triangle.extend(triangle)


def _factors(request: Request) -> estimates_pb2.FactorCovariance:
    return request.problem.estimates.covariance.factor


def _held(request: Request, *weights: float) -> None:
    for name, weight in zip(NAMES, weights, strict=False):
        request.problem.current_weights.add(product_id=name, weight=weight)


async def _refused(stub: Stub, request: Request) -> list[str]:
    """Return the fields that a request is refused for, and make sure that the next one is answered."""
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.OptimizePortfolio(request)
    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(refusal.value) == "INVALID_REQUEST"
    assert (await stub.OptimizePortfolio(_inline())).HasField("optimal")
    return [field for field, _ in violations_of(refusal.value)]


_SHAPES: dict[str, Callable[[Request], object]] = {
    _DENSE: lambda r: _dense(r, 0.04, 0.01, 0.05),
    "problem.estimates.expected_returns": lambda r: r.problem.estimates.expected_returns.append(0.1),
    f"{_FACTOR}.loadings": lambda r: _factors(r).loadings.append(1.0),
    f"{_FACTOR}.factor_covariance": lambda r: _factors(r).factor_covariance.append(1.0),
    f"{_FACTOR}.specific_variances": lambda r: _factors(r).specific_variances.append(1.0),
    "problem.estimates.scenarios.returns": lambda r: r.problem.estimates.scenarios.CopyFrom(
        estimates_pb2.Scenarios(returns=[0.1] * 5, scenario_count=2, horizon_years=1.0)
    ),
}


@pytest.mark.parametrize("field", _SHAPES)
async def test_shapes_that_do_not_match_are_refused_by_field(stub: Stub, field: str) -> None:
    assert await _refused(stub, _with(_SHAPES[field])) == [field]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
async def test_what_is_no_number_is_refused_by_its_place(stub: Stub, value: float) -> None:
    def change(request: Request) -> None:
        request.problem.estimates.expected_returns[1] = value
        _factors(request).loadings[2] = value
        request.problem.products[0].expense_ratio = value
        request.problem.limits.max_turnover = value
        _held(request, 0.1, value)

    assert set(await _refused(stub, _with(change))) >= {
        "problem.estimates.expected_returns[1]",
        f"{_FACTOR}.loadings[2]",
        "problem.products[0].expense_ratio",
        "problem.limits.max_turnover",
        "problem.current_weights[1].weight",
    }


async def test_negative_variances_are_refused_by_their_place(stub: Stub) -> None:
    def change(request: Request) -> None:
        _factors(request).factor_covariance[0] = -0.02
        _factors(request).specific_variances[1] = -1e-6

    dense = _with(lambda r: _dense(r, 0.04, 0.0, -0.05, 0.0, 0.0, 0.06))

    assert await _refused(stub, _with(change)) == [
        f"{_FACTOR}.specific_variances[1]",
        f"{_FACTOR}.factor_covariance[0]",
    ]
    assert await _refused(stub, dense) == [f"{_DENSE}[2]"]


async def test_a_product_that_comes_twice_is_refused(stub: Stub) -> None:
    request = _with(lambda r: setattr(r.problem.products[2], "product_id", NAMES[0]))

    assert await _refused(stub, request) == ["problem.products[2].product_id"]


async def test_an_empty_universe_is_refused(stub: Stub) -> None:
    request = _with(lambda r: r.problem.ClearField("products"))

    assert "problem.products" in await _refused(stub, request)


async def test_holdings_that_sum_to_more_than_one_are_refused_and_less_counts_as_cash(stub: Stub) -> None:
    assert await _refused(stub, _with(lambda r: _held(r, 0.7, 0.7))) == ["problem.current_weights"]
    answer = await stub.OptimizePortfolio(_with(lambda r: _held(r, 0.2, 0.3)))
    assert answer.optimal.HasField("current")


async def test_bounds_that_cross_are_a_contradiction_that_names_both(stub: Stub) -> None:
    request = _with(lambda r: r.problem.limits.products.add(product_id="AAA", min_weight=0.6, max_weight=0.4))

    response = await stub.OptimizePortfolio(request)

    fields = {conflict.field for conflict in response.infeasibility.conflicts}
    assert fields == {"limits.products[AAA].min_weight", "limits.products[AAA].max_weight"}


async def test_a_thousand_limits_are_answered(stub: Stub) -> None:
    request = _inline(count=1_000)
    for product in request.problem.products:
        request.problem.limits.products.add(product_id=product.product_id, max_weight=0.01)

    response = await stub.OptimizePortfolio(request)

    assert max(weight.weight for weight in response.optimal.weights) <= 0.01 + 1e-9


async def test_a_thousand_groups_are_refused_with_the_limit(stub: Stub) -> None:
    request = _inline()
    for i in range(1_000):
        request.problem.limits.groups.add(name=f"g{i}", product_ids=["AAA"], max_weight=0.9)

    assert await _refused(stub, request) == ["problem.limits.groups"]


async def test_five_thousand_products_are_refused_with_the_limit(stub: Stub) -> None:
    assert await _refused(stub, _inline(count=5_000)) == ["problem.products"]


async def test_five_thousand_products_of_the_market_are_refused_with_the_limit(stub: Stub) -> None:
    request = optimization()
    for i in range(5_000):
        request.problem.products.add().CopyFrom(request.problem.products[0])
        request.problem.products[-1].product_id = f"p{i}"

    assert await _refused(stub, request) == ["problem.products"]


async def test_millions_of_empty_entries_are_refused_before_they_are_looked_at(stub: Stub) -> None:
    products = Request(problem=portfolio_pb2.PortfolioProblem(base_currency="USD"))
    products.MergeFromString(_repeated(field=1, inside=3, count=3_000_000))
    limits = _inline()
    limits.problem.limits.excluded_product_ids.extend([""] * (MAX_ENTRIES + 1))

    assert await _refused(stub, products) == ["problem.products"]
    assert await _refused(stub, limits) == ["problem.limits.excluded_product_ids"]


async def test_a_hundred_thousand_faults_are_told_as_the_first_twenty(stub: Stub) -> None:
    request = optimization()
    for _ in range(100_000):
        request.problem.current_weights.add(product_id="nothing", weight=-1.0)

    fields = await _refused(stub, request)

    assert fields[0] == "problem.current_weights[0].product_id"
    assert len(fields) == 20


def _repeated(field: int, inside: int, count: int) -> bytes:
    """Return the bytes of so many empty messages in a list within a message."""
    entries = bytes([inside << 3 | 2, 0]) * count
    length, size = bytearray(), len(entries)
    while size:
        length.append(size & 0x7F | (0x80 if size > 0x7F else 0))
        size >>= 7
    return bytes([field << 3 | 2]) + bytes(length) + entries
