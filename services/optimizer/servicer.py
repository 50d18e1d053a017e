"""OptimizerService: parse, hand to a worker, answer."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

import grpc
from fiducia.optimizer.v1 import optimizer_service_pb2 as service
from fiducia.optimizer.v1 import optimizer_service_pb2_grpc as rpc

from services.optimizer.answers import Answer, Frontier, FrontierJob, Infeasible, Job, OptimizeCall, OptimizeReply
from services.optimizer.checks import Checks
from services.optimizer.market import MarketStore
from services.optimizer.parse import MAX_PRODUCTS, parse_point_count, parse_problem
from services.optimizer.parse_estimates import has_own_covariance
from services.optimizer.parse_size import refuse_too_large
from services.optimizer.replay import Replay
from services.optimizer.rpc_backtest import BacktestRpcs
from services.optimizer.rpc_batch import BatchRpcs
from services.optimizer.rpc_goal import GoalRpcs
from services.optimizer.rpc_market import MarketRpcs
from services.optimizer.rpc_rebalance import RebalanceRpcs
from services.optimizer.rpc_risk import RiskRpcs
from services.optimizer.wire import frontier_response, snapshots_response

_DEFAULT_PAGE = 20
_LARGEST_PAGE = 100

Context = grpc.aio.ServicerContext


class Workers(Protocol):
    """Runs jobs away from the event loop."""

    @property
    def size(self) -> int:
        """How many jobs run at once."""
        ...

    async def run(self, job: Job, seconds_left: float | None = None) -> Answer:
        """Return the answer. Raises CapacityExceeded, SolutionRefused."""
        ...


class OptimizerServicer(
    BatchRpcs, GoalRpcs, RebalanceRpcs, RiskRpcs, BacktestRpcs, MarketRpcs, rpc.OptimizerServiceServicer
):
    """Answers over the market snapshots of `store` with the processes of `workers`."""

    _store: MarketStore
    _workers: Workers

    def __init__(self, store: MarketStore, workers: Workers) -> None:
        self._store = store
        self._workers = workers
        self._cut_short = Replay()

    async def OptimizePortfolio(
        self, request: service.OptimizePortfolioRequest, context: Context
    ) -> service.OptimizePortfolioResponse:
        """Return the best portfolio under the limits, or the limits that contradict each other."""
        _refuse_too_large(request)
        snapshot = self._store.market(request.problem.market_snapshot).snapshot
        known = self._cut_short.find(request, snapshot)
        if known is not None:
            return known
        left = context.time_remaining()
        answer = await self._workers.run(_call_of(request, snapshot, left), left)
        if not isinstance(answer, OptimizeReply):
            raise TypeError(f"a worker answered OptimizeCall with {type(answer).__name__}")
        response = service.OptimizePortfolioResponse.FromString(answer.response)
        self._cut_short.keep(request, response)
        return response

    async def ComputeFrontier(
        self, request: service.ComputeFrontierRequest, context: Context
    ) -> service.ComputeFrontierResponse:
        """Return portfolios of least volatility for increasing expected return."""
        market = self._store.market(request.problem.market_snapshot)
        checks = Checks()
        count = parse_point_count(request.point_count, checks)
        problem = parse_problem(request.problem, market, checks)
        checks.raise_any()
        answer = await self._workers.run(FrontierJob(problem, market, count), context.time_remaining())
        if not isinstance(answer, Frontier | Infeasible):
            raise TypeError(f"a worker answered FrontierJob with {type(answer).__name__}")
        return frontier_response(problem, answer, market.snapshot)

    async def ListMarketSnapshots(
        self, request: service.ListMarketSnapshotsRequest, context: Context
    ) -> service.ListMarketSnapshotsResponse:
        """Return market snapshots, newest first."""
        checks = Checks()
        checks.number("page_size", request.page_size, 0, _LARGEST_PAGE)
        checks.raise_any()
        size = request.page_size or _DEFAULT_PAGE
        page = await asyncio.to_thread(self._store.page, size, request.page_token)
        return snapshots_response(page.snapshots, self._store.active, page.next_token)


def _refuse_too_large(request: service.OptimizePortfolioRequest) -> None:
    """Refuse here what is too large to wait for a worker; all other faults are found there."""
    refuse_too_large(request)
    checks, count = Checks(), len(request.problem.products)
    if count > MAX_PRODUCTS:
        checks.count("problem.products", count, 1, MAX_PRODUCTS)
    checks.raise_any()


def _call_of(request: service.OptimizePortfolioRequest, snapshot: str, seconds_left: float | None) -> OptimizeCall:
    return OptimizeCall(
        request.SerializeToString(),
        snapshot,
        len(request.problem.products),
        has_own_covariance(request.problem.estimates),
        request.problem.limits.HasField("positions") or request.resamples > 0 or request.with_limit_costs,
        None if seconds_left is None else time.monotonic() + seconds_left,
    )
