"""OptimizerService: parse, hand to a worker, answer."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

import grpc
from fiducia.optimizer.v1 import optimizer_service_pb2 as service
from fiducia.optimizer.v1 import optimizer_service_pb2_grpc as rpc

from services.optimizer.answers import Answer, Frontier, FrontierJob, Infeasible, Job, OptimizeJob, Portfolio
from services.optimizer.checks import Checks
from services.optimizer.market import MarketStore
from services.optimizer.parse import parse_point_count, parse_problem
from services.optimizer.parse_objective import parse_objective
from services.optimizer.parse_size import refuse_too_large
from services.optimizer.past_scenarios import with_past_scenarios
from services.optimizer.replay import Replay
from services.optimizer.rpc_backtest import BacktestRpcs
from services.optimizer.rpc_batch import BatchRpcs
from services.optimizer.rpc_goal import GoalRpcs
from services.optimizer.rpc_market import MarketRpcs
from services.optimizer.rpc_rebalance import RebalanceRpcs
from services.optimizer.rpc_risk import RiskRpcs
from services.optimizer.wire import frontier_response, optimize_response, snapshots_response

_DEFAULT_PAGE = 20
_LARGEST_PAGE = 100
MAX_RESAMPLES = 200

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
        refuse_too_large(request)
        market = self._store.market(request.problem.market_snapshot)
        checks = Checks()
        ids = [product.product_id for product in request.problem.products]
        objective = parse_objective(request.objective, checks, ids)
        checks.number("resamples", request.resamples, 0, MAX_RESAMPLES)
        problem = parse_problem(request.problem, market, checks)
        checks.raise_any()
        known = self._cut_short.find(request, market.snapshot)
        if known is not None:
            return known
        prices = self._store.prices(market.snapshot)
        problem = await asyncio.to_thread(with_past_scenarios, problem, objective, prices)
        left = context.time_remaining()
        deadline = None if left is None else time.monotonic() + left
        job = OptimizeJob(problem, market, objective, request.resamples, request.with_limit_costs, deadline)
        answer = await self._workers.run(job, left)
        if not isinstance(answer, Portfolio | Infeasible):
            raise TypeError(f"a worker answered OptimizeJob with {type(answer).__name__}")
        response = optimize_response(problem, answer, market.snapshot)
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
