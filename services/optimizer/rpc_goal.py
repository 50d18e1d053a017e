"""SimulateGoal: parse, hand to a worker, answer."""

from __future__ import annotations

import asyncio
from typing import Protocol

import grpc
from fiducia.optimizer.v1 import goal_pb2 as messages

from services.optimizer.answers import Answer, Job
from services.optimizer.checks import Checks
from services.optimizer.glide_path import AssumedReturns, bootstrap_months
from services.optimizer.goal import GoalJob, GoalOutcome, Returns
from services.optimizer.moments import Market
from services.optimizer.parse import parse_problem
from services.optimizer.parse_goal import GoalRequest, parse_goal, refuse_unsupported
from services.optimizer.price_snapshot import PriceSnapshot
from services.optimizer.problem import Problem
from services.optimizer.wire_goal import goal_response
from shared.errors import UnsupportedCombination


class Markets(Protocol):
    """Knows market snapshots."""

    def market(self, digest: str) -> Market:
        """Return a market; "" means the active one. Raises NotFound, NotReady."""
        ...

    def required_prices(self, digest: str) -> PriceSnapshot:
        """Return the prices of a snapshot. Raises UnsupportedCombination where it holds none; NotFound, NotReady."""
        ...


class Workers(Protocol):
    """Runs jobs away from the event loop."""

    async def run(self, job: Job, seconds_left: float | None = None) -> Answer:
        """Return the answer. Raises CapacityExceeded."""
        ...


class GoalRpcs:
    """The RPC on goals."""

    _store: Markets
    _workers: Workers

    async def SimulateGoal(
        self, request: messages.SimulateGoalRequest, context: grpc.aio.ServicerContext
    ) -> messages.SimulateGoalResponse:
        """Return the probability of success with its error, the fan of outcomes and the extra contribution."""
        market = self._store.market(request.problem.market_snapshot)
        checks = Checks()
        problem = parse_problem(request.problem, market, checks)
        parsed = parse_goal(request, problem, market, checks)
        checks.raise_any()
        refuse_unsupported(parsed)
        returns = await asyncio.to_thread(self._returns, parsed, problem, market)
        job = GoalJob(parsed.goal, returns, parsed.sampling, parsed.wanted_probability)
        outcome = await self._workers.run(job, context.time_remaining())
        if not isinstance(outcome, GoalOutcome):
            raise TypeError(f"a worker answered GoalJob with {type(outcome).__name__}")
        return goal_response(outcome, market.snapshot)

    def _returns(self, parsed: GoalRequest, problem: Problem, market: Market) -> Returns:
        if parsed.block_months is None:
            return AssumedReturns(parsed.glide, problem, market)
        prices = self._store.required_prices(market.snapshot)
        if prices.currency != problem.base_currency:
            raise UnsupportedCombination(
                f"the prices are in {prices.currency}, the block bootstrap needs them in {problem.base_currency}"
            )
        names = [product.id for product in problem.products]
        return bootstrap_months(parsed.glide, parsed.goal.months, names, prices.panel, parsed.block_months)
