"""The optimizer: `python -m services.optimizer`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os

import grpc

# One thread per request and process: linear algebra that spreads over the cores starves its neighbours. The
# libraries read this when they load, and the workers inherit it.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from fiducia.optimizer.v1 import optimizer_service_pb2_grpc as rpc  # noqa: E402

from services.optimizer.answers import WarmUpJob  # noqa: E402
from services.optimizer.market import MarketStore  # noqa: E402
from services.optimizer.pool import WorkerPool  # noqa: E402
from services.optimizer.servicer import OptimizerServicer  # noqa: E402
from services.optimizer.settings import OptimizerSettings  # noqa: E402
from shared.logs import configure_logs  # noqa: E402
from shared.server import serve  # noqa: E402

log = logging.getLogger(__name__)

_SERVICE = "fiducia.optimizer.v1.OptimizerService"


async def main(settings: OptimizerSettings) -> None:
    """Serve until told to stop."""
    store = MarketStore(settings.data_dir / "market")
    pool = WorkerPool(settings.optimizer_workers, settings.optimizer_queue, settings.optimizer_compiled_problems)
    polling: list[asyncio.Task[None]] = []

    def register(server: grpc.aio.Server) -> None:
        rpc.add_OptimizerServiceServicer_to_server(OptimizerServicer(store, pool), server)

    async def load() -> None:
        await _first_snapshot(store, settings)
        await pool.start(WarmUpJob(store.market("").factor_count))
        polling.append(asyncio.create_task(_poll(store, settings.optimizer_poll_seconds)))

    async def close() -> None:
        for task in polling:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await pool.close()

    await serve(_SERVICE, register, settings, load, close)


async def _first_snapshot(store: MarketStore, settings: OptimizerSettings) -> None:
    """Wait until a market snapshot is active: the service may start before the knowledge base is ingested."""
    if store.refresh():
        return
    log.warning("waiting for a market snapshot", extra={"folder": str(settings.data_dir / "market")})
    while True:
        await asyncio.sleep(settings.optimizer_poll_seconds)
        if store.refresh():
            return


async def _poll(store: MarketStore, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        await asyncio.to_thread(store.refresh)


if __name__ == "__main__":
    chosen = OptimizerSettings()
    configure_logs("optimizer", chosen.log_level)
    asyncio.run(main(chosen))
