"""RunBacktest: parse, hand to a worker, answer."""

from __future__ import annotations

import asyncio
from typing import Protocol

import grpc
from fiducia.optimizer.v1 import backtest_pb2 as messages

from services.optimizer.answers import Answer, Job
from services.optimizer.backtest.run import BacktestReport
from services.optimizer.checks import Checks
from services.optimizer.moments import Market
from services.optimizer.parse_backtest import parse_backtest
from services.optimizer.price_snapshot import PriceSnapshot
from services.optimizer.wire_backtest import backtest_response


class Markets(Protocol):
    """Knows market snapshots."""

    def market(self, digest: str) -> Market:
        """Return a market; "" means the active one. Raises NotFound, NotReady."""
        ...

    def required_prices(self, digest: str) -> PriceSnapshot:
        """Return the prices of a snapshot. Raises UnsupportedCombination where it holds none."""
        ...


class Workers(Protocol):
    """Runs jobs away from the event loop."""

    async def run(self, job: Job, seconds_left: float | None = None) -> Answer:
        """Return the answer. Raises CapacityExceeded, InvalidRequest, SolutionRefused."""
        ...


class BacktestRpcs:
    """The RPC on strategies over past prices."""

    _store: Markets
    _workers: Workers

    async def RunBacktest(
        self, request: messages.RunBacktestRequest, context: grpc.aio.ServicerContext
    ) -> messages.RunBacktestResponse:
        """Return what the strategy would have done, without looking ahead."""
        market = self._store.market(request.problem.market_snapshot)
        prices = self._store.required_prices(market.snapshot)
        job = await asyncio.to_thread(parse_backtest, request, market, prices, Checks())
        answer = await self._workers.run(job, context.time_remaining())
        if not isinstance(answer, BacktestReport):
            raise TypeError(f"a worker answered BacktestJob with {type(answer).__name__}")
        return await asyncio.to_thread(backtest_response, job.problem, answer, market.snapshot)
