"""ImportMarketData, ActivateMarketSnapshot and GetMarketSnapshot."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Protocol

import grpc
from fiducia.optimizer.v1 import market_pb2 as messages

from services.optimizer.answers import Answer, Job
from services.optimizer.checks import Checks
from services.optimizer.parse_market import parse_import
from services.optimizer.price_import import ImportedPrices
from services.optimizer.price_snapshot import PriceSnapshot
from services.optimizer.snapshots import Snapshot
from services.optimizer.wire_market import description_response, import_response


class Snapshots(Protocol):
    """Keeps market snapshots."""

    def keep(self, content: bytes) -> PriceSnapshot:
        """Write encoded prices as a snapshot and return it."""
        ...

    def activate(self, digest: str) -> str:
        """Make this snapshot the active one. Raises NotFound."""
        ...

    @property
    def active(self) -> str | None:
        """The digest of the snapshot in use, None before one is loaded."""
        ...

    def snapshot(self, digest: str) -> Snapshot | PriceSnapshot:
        """Return a snapshot; "" means the active one. Raises InvalidRequest, NotFound, NotReady."""
        ...

    def written(self, digest: str) -> datetime:
        """Return when the data of a stored snapshot was last written. Raises NotFound."""
        ...


class Workers(Protocol):
    """Runs jobs away from the event loop."""

    async def run(self, job: Job, seconds_left: float | None = None) -> Answer:
        """Return the answer. Raises CapacityExceeded, InvalidRequest."""
        ...


class MarketRpcs:
    """The RPCs that change and describe market snapshots."""

    _store: Snapshots
    _workers: Workers

    async def ImportMarketData(
        self, request: messages.ImportMarketDataRequest, context: grpc.aio.ServicerContext
    ) -> messages.ImportMarketDataResponse:
        """Keep a table of prices as a snapshot and report its faults."""
        checks = Checks()
        job = parse_import(request, checks)
        checks.raise_any()
        answer = await self._workers.run(job, context.time_remaining())
        if not isinstance(answer, ImportedPrices):
            raise TypeError(f"a worker answered ImportJob with {type(answer).__name__}")
        snapshot = await asyncio.to_thread(self._store.keep, answer.content)
        if request.activate:
            await asyncio.to_thread(self._store.activate, snapshot.id)
        return import_response(snapshot)

    async def ActivateMarketSnapshot(
        self, request: messages.ActivateMarketSnapshotRequest, context: grpc.aio.ServicerContext
    ) -> messages.ActivateMarketSnapshotResponse:
        """Make a snapshot the active one."""
        digest = await asyncio.to_thread(self._store.activate, request.market_snapshot)
        return messages.ActivateMarketSnapshotResponse(market_snapshot=digest)

    async def GetMarketSnapshot(
        self, request: messages.GetMarketSnapshotRequest, context: grpc.aio.ServicerContext
    ) -> messages.GetMarketSnapshotResponse:
        """Describe a snapshot."""
        snapshot = await asyncio.to_thread(self._store.snapshot, request.market_snapshot)
        written = await asyncio.to_thread(self._store.written, snapshot.id)
        return description_response(snapshot, written, snapshot.id == self._store.active)
