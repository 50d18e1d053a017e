"""The error model on the wire: ServiceError to google.rpc.Status and back."""

from __future__ import annotations

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2
from grpc_status import rpc_status

from shared.errors import InvalidRequest, ServiceError

DOMAIN = "fiducia.dev"
# 150 field violations already exceed the 8 KiB that gRPC allows for metadata.
MAX_VIOLATIONS = 20
_MAX_TEXT = 240


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
    return status_pb2.Status(code=code.value[0], message=error.message[:1000], details=packed)


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
    status = rpc_status.from_call(_Call(error))
    return status is not None and any(detail.Unpack(into) for detail in status.details)


class _Call:
    """rpc_status reads a call; an aio error holds the same values under the same names but as a mapping."""

    def __init__(self, error: grpc.RpcError) -> None:
        self._error = error

    def trailing_metadata(self) -> list[tuple[str, str | bytes]]:
        return list(self._error.trailing_metadata() or ())

    def code(self) -> grpc.StatusCode:
        return self._error.code()

    def details(self) -> str:
        return self._error.details()


def _bad_request(error: InvalidRequest) -> details.BadRequest:
    return details.BadRequest(
        field_violations=[
            details.BadRequest.FieldViolation(field=v.field[:_MAX_TEXT], description=v.description[:_MAX_TEXT])
            for v in error.violations[:MAX_VIOLATIONS]
        ]
    )


def _pack(message: Message) -> Any:
    packed = Any()
    packed.Pack(message)
    return packed
