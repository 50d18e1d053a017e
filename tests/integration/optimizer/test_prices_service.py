"""Prices, risk and back-tests over real gRPC with real worker processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import pytest_asyncio
from fiducia.optimizer.v1 import backtest_pb2, market_pb2, objective_pb2, portfolio_pb2, risk_pb2
from fiducia.optimizer.v1 import optimizer_service_pb2 as service
from fiducia.optimizer.v1 import optimizer_service_pb2_grpc as rpc
from fiducia.type.v1 import weight_pb2
from google.type import date_pb2

from services.optimizer.answers import WarmUpJob
from services.optimizer.ingest import ingest
from services.optimizer.market import MarketStore
from services.optimizer.pool import WorkerPool
from services.optimizer.servicer import OptimizerServicer
from shared.client import connect
from shared.interceptors import CallGuard
from shared.status import reason_of, violations_of
from tests.integration.optimizer.requests import PRODUCTS, problem
from tests.unit.optimizer.builders import KB
from tests.unit.optimizer.price_tables import as_parquet, walk_prices, weekdays, wide_csv

pytestmark = pytest.mark.asyncio(loop_scope="module")

Stub = Any
DAYS = weekdays(700)
NAMES = ("AAA", "BBB", "CCC")
PRICES = walk_prices(700, 3)
_MESSAGE_BYTES = 32 * 1024 * 1024


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
    async with connect(f"127.0.0.1:{port}") as channel:
        yield rpc.OptimizerServiceStub(channel)
    await server.stop(None)
    await pool.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def snapshot(stub: Stub) -> str:
    response = await stub.ImportMarketData(_import(wide_csv(DAYS, NAMES, PRICES)))
    return str(response.market_snapshot)


def _import(content: bytes, **changes: Any) -> market_pb2.ImportMarketDataRequest:
    return market_pb2.ImportMarketDataRequest(prices=content, currency="USD", name="Made up", **changes)


def _problem(snapshot: str, names: Sequence[str] = NAMES) -> portfolio_pb2.PortfolioProblem:
    terms = [
        portfolio_pb2.ProductTerms(
            product_id=name, asset_class="us_large_equity", expense_ratio=0.001, trading_cost=0.0005, duration_years=2.0
        )
        for name in names
    ]
    return portfolio_pb2.PortfolioProblem(base_currency="USD", market_snapshot=snapshot, products=terms)


def _weights(*values: float) -> list[weight_pb2.Weight]:
    return [weight_pb2.Weight(product_id=name, weight=value) for name, value in zip(NAMES, values, strict=True)]


async def test_an_import_reports_what_it_kept_and_every_fault(stub: Stub) -> None:
    prices = PRICES.copy()
    prices[300:, 1] /= 2.0
    prices[:10, 2] = np.nan

    response = await stub.ImportMarketData(_import(wide_csv(DAYS, NAMES, prices)))

    assert (response.product_count, response.day_count) == (2, 700)
    assert (response.first_date.year, response.first_date.month, response.first_date.day) == (2020, 1, 1)
    kinds = [
        (fault.product_id, market_pb2.PriceFaultKind.Name(fault.kind), fault.left_out) for fault in response.faults
    ]
    assert kinds == [
        ("BBB", "PRICE_FAULT_KIND_UNADJUSTED_SPLIT", True),
        ("CCC", "PRICE_FAULT_KIND_UNEQUAL_HISTORY", False),
    ]


async def test_parquet_gives_the_same_snapshot_as_text(stub: Stub, snapshot: str) -> None:
    columns = {"date": DAYS.tolist(), **{name: PRICES[:, i] for i, name in enumerate(NAMES)}}

    response = await stub.ImportMarketData(_import(as_parquet(columns), format=market_pb2.PRICE_FORMAT_PARQUET))

    assert response.market_snapshot == snapshot


async def test_prices_serve_a_portfolio_with_limits_on_classes_of_the_callers_own(stub: Stub, snapshot: str) -> None:
    asked = _problem(snapshot)
    asked.limits.products.add(product_id="AAA", max_weight=0.2)
    objective = objective_pb2.Objective(minimum_variance=objective_pb2.MinimumVariance())

    response = await stub.OptimizePortfolio(service.OptimizePortfolioRequest(problem=asked, objective=objective))

    weights = {weight.product_id: weight.weight for weight in response.optimal.weights}
    assert sum(weights.values()) == pytest.approx(1.0)
    assert weights["AAA"] <= 0.2 + 1e-9
    assert response.market_snapshot == snapshot
    assert response.optimal.analysis.volatility < 0.01 * 252**0.5


async def test_the_least_loss_over_prices_is_the_historical_one_that_the_analysis_of_risk_reports(
    stub: Stub, snapshot: str
) -> None:
    objective = objective_pb2.Objective(minimum_cvar=objective_pb2.MinimumCvar(confidence=0.9))
    asked = _problem(snapshot)

    response = await stub.OptimizePortfolio(service.OptimizePortfolioRequest(problem=asked, objective=objective))

    async def loss(weights: Sequence[weight_pb2.Weight]) -> float:
        report = await stub.AnalyzeRisk(
            risk_pb2.AnalyzeRiskRequest(problem=asked, weights=weights, confidences=[0.9], horizon_years=1 / 12)
        )
        return float(report.tails[-1].conditional_value_at_risk)

    least = await loss(response.optimal.weights)
    assert least < min([await loss(_weights(*each)) for each in np.eye(3)])
    asked.limits.max_cvar.max_loss, asked.limits.max_cvar.confidence = 0.5 * least, 0.9
    response = await stub.OptimizePortfolio(service.OptimizePortfolioRequest(problem=asked, objective=objective))
    (conflict,) = response.infeasibility.conflicts
    # Relaxed bounds are rounded outward to a millionth.
    assert conflict.relaxed_bound == pytest.approx(least, abs=2e-6)


async def test_views_alone_go_over_the_covariance_of_the_prices(stub: Stub, snapshot: str) -> None:
    asked = _problem(snapshot)
    asked.estimates.black_litterman.market_weights.extend([0.2, 0.3, 0.5])
    asked.estimates.black_litterman.risk_aversion = 2.5
    for product in asked.products:
        product.expense_ratio = 0.0
    objective = objective_pb2.Objective(mean_variance_utility=objective_pb2.MeanVarianceUtility(risk_aversion=2.5))

    response = await stub.OptimizePortfolio(service.OptimizePortfolioRequest(problem=asked, objective=objective))

    # Without views the market portfolio is the best.
    assert [weight.weight for weight in response.optimal.weights] == pytest.approx([0.2, 0.3, 0.5], abs=1e-6)


async def test_a_product_without_prices_is_refused_by_name(stub: Stub, snapshot: str) -> None:
    asked = _problem(snapshot, ("AAA", "XXX"))
    asked.base_currency = "CNY"
    objective = objective_pb2.Objective(minimum_variance=objective_pb2.MinimumVariance())

    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.OptimizePortfolio(service.OptimizePortfolioRequest(problem=asked, objective=objective))

    fields = [field for field, _ in violations_of(refusal.value)]
    assert fields == ["problem.base_currency", "problem.products[1].product_id"]


async def test_activation_lists_and_uses_the_prices(stub: Stub, snapshot: str) -> None:
    listed = await stub.ListMarketSnapshots(service.ListMarketSnapshotsRequest())
    before = next(entry.id for entry in listed.snapshots if entry.active)

    await stub.ActivateMarketSnapshot(market_pb2.ActivateMarketSnapshotRequest(market_snapshot=snapshot))

    after = await stub.ListMarketSnapshots(service.ListMarketSnapshotsRequest())
    (active,) = [entry for entry in after.snapshots if entry.active]
    assert (active.id, list(active.product_ids), active.asset_class_count) == (snapshot, list(NAMES), 0)
    assert active.assumption_set == "Made up"
    await stub.ActivateMarketSnapshot(market_pb2.ActivateMarketSnapshotRequest(market_snapshot=before))


async def test_activating_what_is_not_here_is_not_found(stub: Stub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.ActivateMarketSnapshot(market_pb2.ActivateMarketSnapshotRequest(market_snapshot="f" * 64))

    assert refusal.value.code() == grpc.StatusCode.NOT_FOUND


async def test_every_wrong_field_of_an_import_is_reported_at_once(stub: Stub) -> None:
    estimation = market_pb2.Estimation(half_life_days=-1.0, window_days=5, returns=99)
    request = market_pb2.ImportMarketDataRequest(currency="EUR", format=7, estimation=estimation)

    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.ImportMarketData(request)

    fields = {field for field, _ in violations_of(refusal.value)}
    assert fields == {
        "prices",
        "currency",
        "name",
        "format",
        "estimation.half_life_days",
        "estimation.window_days",
        "estimation.returns",
    }


async def test_a_table_that_a_worker_cannot_read_is_refused_and_the_worker_lives(stub: Stub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.ImportMarketData(_import(b"PAR1" + bytes(100) + b"PAR1"))

    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert [field for field, _ in violations_of(refusal.value)] == ["prices"]


async def test_a_table_near_the_message_limit_is_imported(stub: Stub) -> None:
    names = [f"fund-{i}" for i in range(400)]
    content = wide_csv(weekdays(3_500), names, walk_prices(3_500, 400))
    assert 24 * 1024 * 1024 < len(content) < _MESSAGE_BYTES

    response = await stub.ImportMarketData(_import(content), timeout=60)

    assert (response.product_count, response.day_count, len(response.faults)) == (400, 3_500, 0)


async def test_risk_over_prices_has_every_part(stub: Stub, snapshot: str) -> None:
    request = risk_pb2.AnalyzeRiskRequest(
        problem=_problem(snapshot),
        weights=_weights(0.5, 0.3, 0.2),
        horizon_years=21 / 252,
        benchmark=_weights(0.0, 1.0, 0.0),
    )

    response = await stub.AnalyzeRisk(request)

    assert sum(response.class_contributions[i].contribution for i in range(1)) == pytest.approx(
        response.analysis.volatility
    )
    methods = [(risk_pb2.TailMethod.Name(tail.method), tail.confidence) for tail in response.tails]
    assert methods == [
        ("TAIL_METHOD_NORMAL", 0.95),
        ("TAIL_METHOD_NORMAL", 0.99),
        ("TAIL_METHOD_HISTORICAL", 0.95),
        ("TAIL_METHOD_HISTORICAL", 0.99),
    ]
    assert not response.tails[0].HasField("outcome_count")
    assert response.tails[2].outcome_count == 700 - 21
    assert 0.0 < response.max_drawdown < 1.0
    assert response.HasField("beta")
    assert response.tracking_error > 0.0
    assert (response.duration_years, response.duration_coverage) == (pytest.approx(2.0), pytest.approx(1.0))
    losses = {stress.scenario: stress.loss for stress in response.stresses}
    assert len(losses) == 5
    assert losses["global-2008"] == pytest.approx(0.552, abs=1e-6)
    assert response.market_snapshot == snapshot


async def test_risk_over_assumptions_has_no_history(stub: Stub) -> None:
    asked = problem()
    weights = [
        weight_pb2.Weight(product_id=PRODUCTS[0].id, weight=0.6),
        weight_pb2.Weight(product_id=PRODUCTS[1].id, weight=0.4),
    ]

    response = await stub.AnalyzeRisk(
        risk_pb2.AnalyzeRiskRequest(problem=asked, weights=weights, stress_scenarios=["rates-plus-200bp"])
    )

    assert {tail.method for tail in response.tails} == {risk_pb2.TAIL_METHOD_NORMAL}
    assert not response.HasField("max_drawdown")
    (stress,) = response.stresses
    assert stress.loss == pytest.approx(sum(stress.contributions))
    assert response.duration_coverage == 0.0


async def test_every_wrong_field_of_a_risk_request_is_reported_at_once(stub: Stub) -> None:
    request = risk_pb2.AnalyzeRiskRequest(
        problem=problem(), confidences=[0.95, 1.0], horizon_years=-1.0, stress_scenarios=["y2k"]
    )

    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.AnalyzeRisk(request)

    fields = [field for field, _ in violations_of(refusal.value)]
    assert fields == ["weights", "horizon_years", "confidences[1]", "stress_scenarios[0]"]


def _backtest(snapshot: str, **changes: Any) -> backtest_pb2.RunBacktestRequest:
    return backtest_pb2.RunBacktestRequest(problem=_problem(snapshot), **changes)


async def test_fixed_weights_run_from_the_first_to_the_last_day(stub: Stub, snapshot: str) -> None:
    fixed = backtest_pb2.FixedWeights(weights=_weights(0.5, 0.3, 0.2))

    response = await stub.RunBacktest(_backtest(snapshot, fixed=fixed, benchmark=_weights(1.0, 0.0, 0.0)))

    assert len(response.points) == 700
    assert (response.points[0].value, response.points[0].benchmark_value) == (1.0, 1.0)
    assert len(response.trades) == len({str(day)[:7] for day in DAYS})
    assert response.tracking_error > 0.0
    assert response.total_cost > 0.0005
    assert response.metrics.annual_volatility > 0.0
    assert response.market_snapshot == snapshot


async def test_an_objective_is_optimised_again_at_each_quarter(stub: Stub, snapshot: str) -> None:
    objective = objective_pb2.Objective(minimum_variance=objective_pb2.MinimumVariance())
    asked = _backtest(
        snapshot,
        objective=objective,
        estimation_days=250,
        rule=backtest_pb2.REBALANCE_RULE_QUARTERLY,
        start=date_pb2.Date(year=2021, month=3, day=1),
    )

    response = await stub.RunBacktest(asked)

    assert response.points[0].date == date_pb2.Date(year=2021, month=3, day=1)
    assert [trade.date.month for trade in response.trades[:4]] == [3, 4, 7, 10]
    assert not response.HasField("tracking_error")


async def test_a_back_test_over_assumptions_is_unsupported(stub: Stub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.RunBacktest(backtest_pb2.RunBacktestRequest(problem=problem()))

    assert refusal.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert reason_of(refusal.value) == "UNSUPPORTED_COMBINATION"


async def test_every_wrong_field_of_a_back_test_is_reported_at_once(stub: Stub, snapshot: str) -> None:
    asked = _backtest(
        snapshot, start=date_pb2.Date(year=2021, month=2, day=30), rule=9, drift_band=1.5, estimation_days=5
    )
    asked.problem.current_weights.add(product_id="AAA", weight=0.5)

    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.RunBacktest(asked)

    fields = {field for field, _ in violations_of(refusal.value)}
    assert fields == {"problem.current_weights", "drift_band", "estimation_days", "strategy", "rule", "start"}


async def test_a_start_before_the_window_is_full_is_refused_from_inside_a_worker(stub: Stub, snapshot: str) -> None:
    objective = objective_pb2.Objective(minimum_variance=objective_pb2.MinimumVariance())

    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.RunBacktest(_backtest(snapshot, objective=objective))

    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert [field for field, _ in violations_of(refusal.value)] == ["end"]


async def test_requests_beside_a_large_import_are_answered(stub: Stub, snapshot: str) -> None:
    fixed = backtest_pb2.FixedWeights(weights=_weights(1.0, 0.0, 0.0))

    answers = await asyncio.gather(*(stub.RunBacktest(_backtest(snapshot, fixed=fixed)) for _ in range(4)))

    assert len({answer.metrics.annual_return for answer in answers}) == 1
