"""ProposeRebalance: parse, hand to a worker, answer."""

from __future__ import annotations

from typing import Protocol

import grpc
from fiducia.optimizer.v1 import rebalance_pb2 as messages

from services.optimizer.answers import Answer, Job
from services.optimizer.parse_rebalance import parse_rebalance
from services.optimizer.rebalance.proposal import Proposal, Shortfall
from services.optimizer.wire_rebalance import rebalance_response
from shared.errors import InvalidRequest


class Workers(Protocol):
    """Runs jobs away from the event loop."""

    async def run(self, job: Job, seconds_left: float | None = None) -> Answer:
        """Return the answer. Raises CapacityExceeded."""
        ...


class RebalanceRpcs:
    """The RPC on rebalancing."""

    _workers: Workers

    async def ProposeRebalance(
        self, request: messages.ProposeRebalanceRequest, context: grpc.aio.ServicerContext
    ) -> messages.ProposeRebalanceResponse:
        """Return the trades that lead from lots and cash to a target."""
        problem = parse_rebalance(request)
        answer = await self._workers.run(problem, context.time_remaining())
        if isinstance(answer, Shortfall):
            raise InvalidRequest.of(
                "cash_flow",
                f"found {problem.cash_flow:f}, but selling all that may be sold leaves the first account "
                f"{answer.amount:.2f} short; take out less",
            )
        if not isinstance(answer, Proposal):
            raise TypeError(f"a worker answered RebalanceProblem with {type(answer).__name__}")
        return rebalance_response(problem, answer)
