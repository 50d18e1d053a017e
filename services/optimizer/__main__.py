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

from services.optimizer.in_use import warm_up_for  # noqa: E402
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
    snapshots = settings.data_dir / "market"
    store = MarketStore(snapshots)
    pool = WorkerPool(
        settings.optimizer_workers, settings.optimizer_queue, settings.optimizer_compiled_problems, snapshots
    )
    polling: list[asyncio.Task[None]] = []

    def register(server: grpc.aio.Server) -> None:
        rpc.add_OptimizerServiceServicer_to_server(OptimizerServicer(store, pool), server)

    async def load() -> None:
        await _first_snapshot(store, settings)
        await pool.start(warm_up_for(store.market("")))
        polling.append(asyncio.create_task(_poll(store, settings.optimizer_poll_seconds)))
        polling.append(asyncio.create_task(_keep_warm(store, pool, settings.optimizer_poll_seconds)))

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


async def _keep_warm(store: MarketStore, pool: WorkerPool, seconds: float) -> None:
    """Compile for each snapshot that becomes the active one, by its pointer or by a call."""
    warm = store.active
    while True:
        await asyncio.sleep(seconds)
        if store.active == warm:
            continue
        warm = store.active
        try:
            await pool.warm_again(await asyncio.to_thread(store.market, ""))
        except Exception:
            # Requests compile for themselves then; the next snapshot is another try.
            log.exception("workers not warm", extra={"snapshot": warm})


if __name__ == "__main__":
    chosen = OptimizerSettings()
    configure_logs("optimizer", chosen.log_level)
    asyncio.run(main(chosen))
