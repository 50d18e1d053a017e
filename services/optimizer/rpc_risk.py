"""AnalyzeRisk: parse, hand to a worker, answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol

import grpc
from fiducia.optimizer.v1 import risk_pb2 as messages

from services.optimizer.answers import Answer, Job
from services.optimizer.checks import Checks
from services.optimizer.moments import Market
from services.optimizer.parse_risk import parse_risk
from services.optimizer.price_snapshot import PriceSnapshot
from services.optimizer.risk_report import RiskReport
from services.optimizer.stress import StressScenario
from services.optimizer.wire_risk import risk_response


class Markets(Protocol):
    """Knows market snapshots and stress scenarios."""

    def market(self, digest: str) -> Market:
        """Return a market; "" means the active one. Raises NotFound, NotReady."""
        ...

    def prices(self, digest: str) -> PriceSnapshot | None:
        """Return the prices of a snapshot, None where it holds none. Raises NotFound, NotReady."""
        ...

    def scenarios(self) -> Mapping[str, StressScenario]:
        """Return the stress scenarios, by name."""
        ...


class Workers(Protocol):
    """Runs jobs away from the event loop."""

    async def run(self, job: Job, seconds_left: float | None = None) -> Answer:
        """Return the answer. Raises CapacityExceeded."""
        ...


class RiskRpcs:
    """The RPC on a portfolio's risk."""

    _store: Markets
    _workers: Workers

    async def AnalyzeRisk(
        self, request: messages.AnalyzeRiskRequest, context: grpc.aio.ServicerContext
    ) -> messages.AnalyzeRiskResponse:
        """Return contributions, tails, stress scenarios, beta and duration of the given weights."""
        market = self._store.market(request.problem.market_snapshot)
        prices = self._store.prices(market.snapshot)
        known = await asyncio.to_thread(self._store.scenarios)
        checks = Checks()
        job = await asyncio.to_thread(parse_risk, request, market, prices, known, checks)
        checks.raise_any()
        answer = await self._workers.run(job, context.time_remaining())
        if not isinstance(answer, RiskReport):
            raise TypeError(f"a worker answered RiskJob with {type(answer).__name__}")
        return risk_response(job.problem, answer, market.snapshot)
