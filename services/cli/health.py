"""Whether a service answers, by the standard health protocol."""

from __future__ import annotations

from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

_PROBE_SECONDS = 1.0


async def is_serving(address: str, timeout_seconds: float = _PROBE_SECONDS) -> bool:
    """Tell whether the service at `address` has loaded everything and takes calls."""
    # Without the retries of shared.client: an answer "not yet" is wanted at once.
    async with grpc.aio.insecure_channel(address, options=[("grpc.enable_retries", 0)]) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        try:
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=timeout_seconds)
        except grpc.aio.AioRpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
