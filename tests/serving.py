"""A real gRPC server on loopback, port 0, inside the test's own loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import grpc

from shared.client import connect
from shared.interceptors import CallGuard


@asynccontextmanager
async def running(
    register: Callable[[grpc.aio.Server], None], is_ready: Callable[[], bool] = lambda: True
) -> AsyncIterator[grpc.aio.Channel]:
    """Serve what `register` adds, guarded as in production, and yield a channel to it."""
    server = grpc.aio.server(interceptors=[CallGuard(is_ready)])
    register(server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with connect(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        await server.stop(None)
