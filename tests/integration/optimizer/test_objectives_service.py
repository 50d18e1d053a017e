"""Objectives, limits and estimates over real gRPC, with real worker processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import pytest_asyncio
from fiducia.optimizer.v1 import estimates_pb2, objective_pb2
from fiducia.optimizer.v1 import optimizer_service_pb2 as service
from fiducia.optimizer.v1 import optimizer_service_pb2_grpc as rpc
from fiducia.optimizer.v1 import portfolio_pb2 as messages
from fiducia.type.v1 import risk_pb2, weight_pb2

from services.optimizer.answers import WarmUpJob
from services.optimizer.market import MarketStore
from services.optimizer.pool import WorkerPool
from services.optimizer.servicer import OptimizerServicer
from services.optimizer.snapshots import write_snapshot
from shared.snapshots import activate
from shared.status import reason_of, violations_of
from tests.serving import running
from tests.unit.optimizer.builders import kb_assumptions

pytestmark = pytest.mark.asyncio(loop_scope="module")

COUNT = 4
EXPECTED = [0.08, 0.06, 0.05, 0.02]
RETURNS = np.random.default_rng(0).normal(EXPECTED, [0.2, 0.15, 0.1, 0.05], size=(250, COUNT))
LEVELS = [risk_pb2.RISK_LEVEL_R4, risk_pb2.RISK_LEVEL_R3, risk_pb2.RISK_LEVEL_R2, risk_pb2.RISK_LEVEL_R1]
EVEN = [weight_pb2.Weight(product_id=f"p{i}", weight=1 / COUNT) for i in range(COUNT)]
Stub = Any


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stub]:
    root: Path = tmp_path_factory.mktemp("market")
    activate(root, write_snapshot(root, kb_assumptions()))
    store = MarketStore(root)
    store.refresh()
    pool = WorkerPool(workers=1, queue=32, compiled_problems=8, snapshots=root)
    await pool.start(WarmUpJob(4))

    def register(server: grpc.aio.Server) -> None:
        rpc.add_OptimizerServiceServicer_to_server(OptimizerServicer(store, pool), server)

    async with running(register) as channel:
        yield rpc.OptimizerServiceStub(channel)
    await pool.close()


def _request(goal: objective_pb2.Objective, limits: messages.Limits | None = None) -> service.OptimizePortfolioRequest:
    lower = np.cov(RETURNS.T)[np.tril_indices(COUNT)]
    return service.OptimizePortfolioRequest(
        problem=messages.PortfolioProblem(
            base_currency="USD",
            products=[
                messages.ProductTerms(
                    product_id=f"p{i}",
                    asset_class="us_cash" if i == COUNT - 1 else "share",
                    expense_ratio=0.001,
                    issuer="A" if i < 2 else "B",
                    region="US" if i % 2 else "CN",
                    risk_level=LEVELS[i],
                    liquidity_days=1.0 + i,
                    flags=["ESG"] if i == 2 else [],
                )
                for i in range(COUNT)
            ],
            limits=limits,
            estimates=estimates_pb2.Estimates(
                expected_returns=EXPECTED,
                covariance=estimates_pb2.CovarianceEstimate(dense=estimates_pb2.DenseCovariance(lower_triangle=lower)),
                scenarios=estimates_pb2.Scenarios(
                    returns=RETURNS.ravel(), scenario_count=len(RETURNS), horizon_years=1.0
                ),
            ),
        ),
        objective=goal,
    )


GOALS = [
    objective_pb2.Objective(mean_variance_utility=objective_pb2.MeanVarianceUtility(risk_aversion=3.0)),
    objective_pb2.Objective(minimum_variance=objective_pb2.MinimumVariance()),
    objective_pb2.Objective(maximum_sharpe=objective_pb2.MaximumSharpe(risk_free_rate=0.01)),
    objective_pb2.Objective(target_return=objective_pb2.TargetReturn(min_expected_return_net=0.05)),
    objective_pb2.Objective(target_volatility=objective_pb2.TargetVolatility(max_volatility=0.1)),
    objective_pb2.Objective(minimum_cvar=objective_pb2.MinimumCvar()),
    objective_pb2.Objective(mean_cvar_utility=objective_pb2.MeanCvarUtility(risk_aversion=1.0)),
    objective_pb2.Objective(risk_budgeting=objective_pb2.RiskBudgeting()),
    objective_pb2.Objective(minimum_tracking_error=objective_pb2.MinimumTrackingError(benchmark=EVEN)),
    objective_pb2.Objective(maximum_diversification=objective_pb2.MaximumDiversification()),
    objective_pb2.Objective(equal_weight=objective_pb2.EqualWeight()),
    objective_pb2.Objective(inverse_volatility=objective_pb2.InverseVolatility()),
]


@pytest.mark.parametrize("goal", GOALS, ids=lambda goal: str(goal.WhichOneof("goal")))
async def test_every_objective_answers_with_a_proof(stub: Stub, goal: objective_pb2.Objective) -> None:
    response = await stub.OptimizePortfolio(_request(goal))

    found = response.optimal
    assert sum(weight.weight for weight in found.weights) == pytest.approx(1.0)
    proof = found.certificate
    assert max(proof.primal_residual, proof.dual_residual, proof.complementarity_residual) <= proof.tolerance
    assert found.covariance_repair == 0.0


async def test_limits_of_every_kind_hold_together_and_are_explained(stub: Stub) -> None:
    limits = messages.Limits(
        groups=[
            messages.GroupBound(name="issuer A", issuers=["A"], max_weight=0.6),
            messages.GroupBound(name="green", flags=["ESG"], min_weight=0.3),
            messages.GroupBound(name="China", regions=["CN"], max_weight=0.7),
        ],
        excluded_product_ids=["p1"],
        min_cash=0.05,
        max_risk_level_score=3.0,
        max_liquidity_days=3.0,
        max_cvar=messages.CvarLimit(max_loss=0.2, confidence=0.9),
        tracking_error=messages.TrackingErrorLimit(benchmark=EVEN, max_tracking_error=0.07),
    )
    request = _request(GOALS[0], limits)
    request.with_limit_costs = True
    request.resamples = 5

    found = (await stub.OptimizePortfolio(request)).optimal

    weights = np.array([weight.weight for weight in found.weights])
    assert weights[1] == pytest.approx(0.0, abs=1e-9)
    assert weights[2] >= 0.3 - 1e-6
    assert weights[3] >= 0.05 - 1e-6
    assert weights @ [4, 3, 2, 1] <= 3.0 + 1e-6
    assert found.binding_limits
    assert {cost.field for cost in found.limit_costs} == {limit.field for limit in found.binding_limits}
    assert len(found.weight_ranges) == COUNT


async def test_views_move_the_expected_returns(stub: Stub) -> None:
    request = _request(GOALS[0])
    estimates = request.problem.estimates
    estimates.ClearField("expected_returns")
    estimates.black_litterman.CopyFrom(
        estimates_pb2.BlackLitterman(market_weights=[1 / COUNT] * COUNT, risk_aversion=3.0)
    )
    market = (await stub.OptimizePortfolio(request)).optimal
    estimates.black_litterman.views.append(
        estimates_pb2.View(
            legs=[estimates_pb2.ViewLeg(product_id="p3", share=1.0)], expected_return=0.05, confidence=0.9
        )
    )

    moved = (await stub.OptimizePortfolio(request)).optimal

    # The equilibrium at the market's own risk aversion is the market portfolio; all fees are the same.
    assert [weight.weight for weight in market.weights] == pytest.approx([1 / COUNT] * COUNT, abs=1e-6)
    assert moved.weights[3].weight > 0.5


async def test_a_pair_without_support_says_so(stub: Stub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.OptimizePortfolio(_request(GOALS[7], messages.Limits(min_cash=0.1)))

    assert refusal.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert reason_of(refusal.value) == "UNSUPPORTED_COMBINATION"


async def test_a_covariance_that_cannot_be_is_refused_by_the_worker_with_its_field(stub: Stub) -> None:
    request = _request(GOALS[1])
    request.problem.estimates.covariance.dense.lower_triangle[1] = 0.5

    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.OptimizePortfolio(request)

    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert [field for field, _ in violations_of(refusal.value)] == ["problem.estimates.covariance.dense.lower_triangle"]


async def test_wrong_objectives_and_limits_are_refused_together(stub: Stub) -> None:
    goal = objective_pb2.Objective(
        risk_budgeting=objective_pb2.RiskBudgeting(budgets=[objective_pb2.RiskBudget(product_id="p0", share=0.5)])
    )
    limits = messages.Limits(
        groups=[messages.GroupBound(name="g", risk_levels=[risk_pb2.RISK_LEVEL_UNSPECIFIED])],
        excluded_product_ids=["nothing"],
        max_risk_level_score=7.0,
        max_cvar=messages.CvarLimit(max_loss=0.1, confidence=0.2),
        tracking_error=messages.TrackingErrorLimit(benchmark=EVEN[:2], max_tracking_error=0.1),
    )

    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.OptimizePortfolio(_request(goal, limits))

    assert [field for field, _ in violations_of(refusal.value)] == [
        "problem.limits.groups[0].risk_levels[0]",
        "problem.limits.max_cvar.confidence",
        "problem.limits.tracking_error.benchmark",
        "problem.limits.excluded_product_ids[0]",
        "problem.limits.max_risk_level_score",
        "objective.risk_budgeting.budgets",
        "objective.risk_budgeting.budgets",
    ]
