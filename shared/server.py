"""Bootstrap of a service: health, reflection, readiness, drain on SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection

from shared.interceptors import CallGuard
from shared.settings import ServerSettings

log = logging.getLogger(__name__)

# Time for load balancers to see NOT_SERVING before the listening socket closes.
_NOTICE_SECONDS = 0.5
_MAX_MESSAGE_BYTES = 32 * 1024 * 1024


async def serve(
    service: str,
    register: Callable[[grpc.aio.Server], None],
    settings: ServerSettings,
    load: Callable[[], Awaitable[None]],
    close: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then let running calls finish within `drain_seconds`.

    service:  full gRPC name, "fiducia.retrieval.v1.RetrievalService"; health answers under it and "".
    register: adds the servicer to the server.
    load:     loads models and data; until it returns, health is NOT_SERVING and calls get NOT_READY.
    close:    releases what load took, after the last call.
    """
    health = HealthServicer()
    ready = asyncio.Event()
    server = grpc.aio.server(
        interceptors=[CallGuard(ready.is_set)],
        maximum_concurrent_rpcs=settings.max_concurrent_rpcs,
        options=[("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES), ("grpc.so_reuseport", 0)],
    )
    register(server)
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    if settings.reflection:
        reflection.enable_server_reflection(
            (service, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME), server
        )
    await _set_health(health, service, serving=False)
    port = server.add_insecure_port(f"{settings.host}:{settings.port}")
    await server.start()
    stop = _stop_signal()
    _tell_port(settings.port_file, port)
    log.info("listening", extra={"address": f"{settings.host}:{port}"})
    try:
        if await _load_or_stop(load, stop):
            ready.set()
            await _set_health(health, service, serving=True)
            log.info("serving")
            await stop.wait()
    finally:
        await _set_health(health, service, serving=False)
        log.info("draining", extra={"seconds": settings.drain_seconds})
        await asyncio.sleep(_NOTICE_SECONDS)
        await server.stop(settings.drain_seconds)
        if close is not None:
            await close()
        log.info("stopped")


async def _load_or_stop(load: Callable[[], Awaitable[None]], stop: asyncio.Event) -> bool:
    """Return True once loaded, False if told to stop first; an error of `load` is raised."""
    loading = asyncio.ensure_future(load())
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({loading, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if loading.done():
        loading.result()
        return True
    loading.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await loading
    return False


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def _set_health(health: HealthServicer, service: str, *, serving: bool) -> None:
    status = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
    for name in ("", service):
        await health.set(name, status)


def _tell_port(file: Path | None, port: int) -> None:
    if file is None:
        return
    # A reader that polls must never see a half-written number.
    part = file.with_suffix(".part")
    part.write_text(str(port))
    part.replace(file)
