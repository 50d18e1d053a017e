"""Few positions over real gRPC, with a real worker process: proofs and contradictions."""

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
from fiducia.type.v1 import weight_pb2

from services.optimizer.answers import WarmUpJob
from services.optimizer.market import MarketStore
from services.optimizer.pool import WorkerPool
from services.optimizer.servicer import OptimizerServicer
from services.optimizer.snapshots import write_snapshot
from shared.snapshots import activate
from shared.status import reason_of
from tests.serving import running
from tests.unit.optimizer.builders import kb_assumptions

pytestmark = pytest.mark.asyncio(loop_scope="module")

COUNT = 20
Stub = Any


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stub]:
    root: Path = tmp_path_factory.mktemp("market")
    activate(root, write_snapshot(root, kb_assumptions()))
    store = MarketStore(root)
    store.refresh()
    pool = WorkerPool(workers=1, queue=8, compiled_problems=8, snapshots=root)
    await pool.start(WarmUpJob(4))

    def register(server: grpc.aio.Server) -> None:
        rpc.add_OptimizerServiceServicer_to_server(OptimizerServicer(store, pool), server)

    async with running(register) as channel:
        yield rpc.OptimizerServiceStub(channel)
    await pool.close()


def _request(
    goal: objective_pb2.Objective, limits: messages.Limits, count: int = COUNT
) -> service.OptimizePortfolioRequest:
    draw = np.random.default_rng(4)
    loadings, specific = draw.normal(0.1, 0.05, (count, 4)), draw.uniform(0.05, 0.15, count)
    covariance = estimates_pb2.FactorCovariance(
        loadings=loadings.ravel(),
        factor_count=4,
        factor_covariance=np.eye(4)[np.tril_indices(4)],
        specific_variances=specific**2,
    )
    problem = messages.PortfolioProblem(
        base_currency="USD",
        products=[messages.ProductTerms(product_id=f"p{i}", asset_class="a", expense_ratio=0.0) for i in range(count)],
        limits=limits,
        estimates=estimates_pb2.Estimates(
            expected_returns=draw.uniform(0.0, 0.12, count),
            covariance=estimates_pb2.CovarianceEstimate(factor=covariance),
        ),
    )
    return service.OptimizePortfolioRequest(problem=problem, objective=goal)


VARIANCE = objective_pb2.Objective(minimum_variance=objective_pb2.MinimumVariance())
EVEN = [weight_pb2.Weight(product_id=f"p{i}", weight=1 / COUNT) for i in range(COUNT)]
DEVIATION = objective_pb2.Objective(minimum_tracking_error=objective_pb2.MinimumTrackingError(benchmark=EVEN))


async def test_few_positions_are_chosen_proven_best_and_certified(stub: Stub) -> None:
    limits = messages.Limits(positions=messages.PositionLimit(max_positions=5, min_position=0.05))

    found = (await stub.OptimizePortfolio(_request(DEVIATION, limits), timeout=60.0)).optimal

    held = [weight.weight for weight in found.weights if weight.weight > 0.0]
    assert len(held) <= 5
    assert min(held) >= 0.05 - 1e-9
    assert found.HasField("optimality_gap")
    assert found.optimality_gap == 0.0
    assert not found.time_limited
    proof = found.certificate
    assert max(proof.primal_residual, proof.dual_residual, proof.complementarity_residual) <= proof.tolerance
    assert "limits.positions.max_positions" in {limit.field for limit in found.binding_limits}


async def test_without_a_limit_on_positions_no_gap_is_stated(stub: Stub) -> None:
    found = (await stub.OptimizePortfolio(_request(VARIANCE, messages.Limits()))).optimal

    assert not found.HasField("optimality_gap")


async def test_too_few_positions_are_a_contradiction_with_what_would_do(stub: Stub) -> None:
    groups = [messages.GroupBound(name=f"g{i}", product_ids=[f"p{i}"], min_weight=0.1) for i in range(3)]
    limits = messages.Limits(groups=groups, positions=messages.PositionLimit(max_positions=2))

    found = (await stub.OptimizePortfolio(_request(VARIANCE, limits))).infeasibility

    told = {limit.field: limit.relaxed_bound for limit in found.conflicts}
    assert told["limits.positions.max_positions"] == 3.0


async def test_an_objective_without_a_search_is_refused(stub: Stub) -> None:
    limits = messages.Limits(positions=messages.PositionLimit(max_positions=2))
    goal = objective_pb2.Objective(maximum_diversification=objective_pb2.MaximumDiversification())

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.OptimizePortfolio(_request(goal, limits))

    assert reason_of(caught.value) == "UNSUPPORTED_COMBINATION"
