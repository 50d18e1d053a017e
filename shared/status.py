"""The error model on the wire: ServiceError to google.rpc.Status and back."""

from __future__ import annotations

from collections.abc import Iterable

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2
from grpc_status import rpc_status

from shared.errors import InvalidRequest, ServiceError

DOMAIN = "fiducia.dev"
# 150 field violations already exceed the 8 KiB that gRPC allows for metadata, and Chinese text takes three
# bytes a character here and nine in the percent-encoded message: count bytes, not characters.
MAX_VIOLATIONS = 20
_MAX_VIOLATION_BYTES = 3_000
_MAX_TEXT_BYTES = 500
_STATUS_KEY = "grpc-status-details-bin"


def to_status(error: ServiceError) -> status_pb2.Status:
    """Return the error as google.rpc.Status with ErrorInfo, and BadRequest or RetryInfo where they apply."""
    code: grpc.StatusCode = grpc.StatusCode[error.code]
    info = details.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)
    packed = [_pack(info)]
    if isinstance(error, InvalidRequest):
        packed.append(_pack(_bad_request(error)))
    if error.retry_seconds is not None:
        delay = Duration(nanos=int(error.retry_seconds % 1 * 1e9), seconds=int(error.retry_seconds))
        packed.append(_pack(details.RetryInfo(retry_delay=delay)))
    return status_pb2.Status(code=code.value[0], message=_shortened(error.message), details=packed)


def to_call_error(error: ServiceError) -> tuple[grpc.StatusCode, str, tuple[tuple[str, str | bytes], ...]]:
    """Return what `context.abort` takes: code, message, trailing metadata."""
    status = rpc_status.to_status(to_status(error))
    return status.code, status.details, status.trailing_metadata


def reason_of(error: grpc.RpcError) -> str:
    """Return the ErrorReason a server sent without prefix, or "" where it sent none."""
    info = details.ErrorInfo()
    return info.reason if _unpack(error, info) else ""


def violations_of(error: grpc.RpcError) -> list[tuple[str, str]]:
    """Return the (field, description) pairs a server sent."""
    request = details.BadRequest()
    if not _unpack(error, request):
        return []
    return [(violation.field, violation.description) for violation in request.field_violations]


def _unpack(error: grpc.RpcError, into: Message) -> bool:
    # rpc_status.from_call compares code and message too, which an aio error keeps elsewhere; the bytes suffice.
    metadata: Iterable[tuple[str, str | bytes]] = getattr(error, "trailing_metadata", tuple)() or ()
    for key, value in metadata:
        if key == _STATUS_KEY and isinstance(value, bytes):
            status = status_pb2.Status.FromString(value)
            return any(detail.Unpack(into) for detail in status.details)
    return False


def _bad_request(error: InvalidRequest) -> details.BadRequest:
    request = details.BadRequest()
    for violation in error.violations[:MAX_VIOLATIONS]:
        field, description = _shortened(violation.field), _shortened(violation.description)
        request.field_violations.add(field=field, description=description)
        if request.ByteSize() > _MAX_VIOLATION_BYTES:
            del request.field_violations[-1]
            break
    return request


def _shortened(text: str) -> str:
    data = text.encode()
    return text if len(data) <= _MAX_TEXT_BYTES else data[: _MAX_TEXT_BYTES - 3].decode(errors="ignore") + "…"


def _pack(message: Message) -> Any:
    packed = Any()
    packed.Pack(message)
    return packed
