"""Channels to other services: deadline, retries, round robin."""

from __future__ import annotations

import json

import grpc

from shared.errors import UpstreamUnavailable

_MAX_MESSAGE_BYTES = 32 * 1024 * 1024

# Only UNAVAILABLE is retried: the server has not begun the work, so nothing happens twice.
_SERVICE_CONFIG = json.dumps(
    {
        "loadBalancingConfig": [{"round_robin": {}}],
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 4,
                    "initialBackoff": "0.1s",
                    "maxBackoff": "2s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ],
    }
)


def connect(address: str) -> grpc.aio.Channel:
    """Return a channel to `address`; a bare host:port or dns:///name:port that resolves to every replica.

    The channel connects when first used and reconnects by itself.
    """
    return grpc.aio.insecure_channel(
        address,
        options=[
            ("grpc.service_config", _SERVICE_CONFIG),
            ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
            ("grpc.keepalive_time_ms", 30_000),
            ("grpc.initial_reconnect_backoff_ms", 200),
            ("grpc.max_reconnect_backoff_ms", 2_000),
        ],
    )


def upstream_error(service: str, error: grpc.aio.AioRpcError) -> Exception:
    """Return UpstreamUnavailable for an outage or a missed deadline, else the error itself."""
    if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
        return UpstreamUnavailable(service, error.details() or error.code().name)
    return error
