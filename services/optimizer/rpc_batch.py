"""BatchOptimizePortfolios: parse what is shared once, hand items to the workers, stream what is ready."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Protocol

import grpc
from fiducia.optimizer.v1 import optimizer_service_pb2 as service

from services.optimizer.answers import Answer, Infeasible, Job, OptimizeJob, Portfolio
from services.optimizer.moments import Market
from services.optimizer.parse_batch import Batch, of_item, parse_batch
from services.optimizer.price_snapshot import PriceSnapshot
from services.optimizer.wire_batch import error_response, item_response
from shared.errors import CapacityExceeded, ServiceError

log = logging.getLogger(__name__)

# A batch gives way to the calls that fill the queue: an item asks again this often before it is given up.
_TRIES = 60
_PAUSE_SECONDS = 1.0

_Results = asyncio.Queue[service.BatchOptimizePortfoliosResponse]
_Numbered = Iterator[tuple[int, service.BatchItem]]


class Markets(Protocol):
    """Knows market snapshots."""

    def market(self, digest: str) -> Market:
        """Return a market; "" means the active one. Raises NotFound, NotReady."""
        ...

    def prices(self, digest: str) -> PriceSnapshot | None:
        """Return the prices of a snapshot, None where it holds none. Raises NotFound, NotReady."""
        ...


class Workers(Protocol):
    """Runs jobs away from the event loop."""

    @property
    def size(self) -> int:
        """How many jobs run at once."""
        ...

    async def run(self, job: Job, seconds_left: float | None = None) -> Answer:
        """Return the answer. Raises CapacityExceeded, InvalidRequest, SolutionRefused, UnsupportedCombination."""
        ...


class BatchRpcs:
    """The RPC for many clients over one universe."""

    _store: Markets
    _workers: Workers

    async def BatchOptimizePortfolios(
        self, request: service.BatchOptimizePortfoliosRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[service.BatchOptimizePortfoliosResponse]:
        """Stream each client's portfolio, contradiction or error as it is ready."""
        market = self._store.market(request.universe.market_snapshot)
        batch = await asyncio.to_thread(parse_batch, request, market, self._store.prices(market.snapshot))
        # One item for each worker at a time: whoever else calls waits for one of them, never for the batch. The
        # results that the caller has not taken yet hold the items back.
        results: _Results = asyncio.Queue(self._workers.size)
        items = iter(enumerate(request.items))
        lanes = [asyncio.create_task(self._lane(batch, items, results)) for _ in range(self._workers.size)]
        try:
            for _ in request.items:
                yield await results.get()
        finally:
            for lane in lanes:
                lane.cancel()
            await asyncio.gather(*lanes, return_exceptions=True)

    async def _lane(self, batch: Batch, items: _Numbered, results: _Results) -> None:
        for index, item in items:
            await results.put(await self._result(batch, index, item))

    async def _result(
        self, batch: Batch, index: int, item: service.BatchItem
    ) -> service.BatchOptimizePortfoliosResponse:
        try:
            job = batch.job(item)
            return item_response(item.item_id, job.problem, await self._answer(job))
        except ServiceError as error:
            return error_response(item.item_id, of_item(error, index))
        except Exception:
            log.exception("item of a batch failed", extra={"item": index})
            return error_response(item.item_id, ServiceError(f"internal fault; the log has it under item {index}"))

    async def _answer(self, job: OptimizeJob) -> Portfolio | Infeasible:
        # Without a deadline: the caller's ends the whole stream, and what is ready until then has been sent.
        for _ in range(_TRIES):
            try:
                answer = await self._workers.run(job)
                break
            except CapacityExceeded:
                await asyncio.sleep(_PAUSE_SECONDS)
        else:
            answer = await self._workers.run(job)
        if not isinstance(answer, Portfolio | Infeasible):
            raise TypeError(f"a worker answered OptimizeJob with {type(answer).__name__}")
        return answer
