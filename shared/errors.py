"""Errors that a caller can act on; everything else surfaces as a bug.

ServiceError                     code and reason of the contract, a message, metadata
├── InvalidRequest               fields that are missing, not finite or out of range
├── NotFound                     no such object
├── RequestIdReused              the same request id with another body
├── PreconditionFailed           the state of things forbids it
├── UpstreamUnavailable          a service this one depends on does not answer
├── NotReady                     up, but its data is not loaded
├── CapacityExceeded             queue full, or the deadline cannot be met
├── DeadlineExceeded             the caller's deadline passed
├── UnsupportedCombination       this objective does not go with that limit
└── SolutionRefused              no solver reached the required residuals
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FieldViolation:
    """One wrong field: its path in the request, what was found, what is expected and what to do."""

    field: str
    description: str


class ServiceError(Exception):
    """An error with a place in the contract: a gRPC status code by name and an ErrorReason without prefix."""

    code = "INTERNAL"
    reason = "INTERNAL"
    retry_seconds: float | None = None

    def __init__(self, message: str, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.metadata = dict(metadata or {})


class InvalidRequest(ServiceError):
    """One or more fields of the request are wrong."""

    code = "INVALID_ARGUMENT"
    reason = "INVALID_REQUEST"

    def __init__(self, violations: Sequence[FieldViolation]) -> None:
        first = violations[0]
        more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
        super().__init__(f"{first.field}: {first.description}{more}", {"violations": str(len(violations))})
        self.violations = tuple(violations)

    def __reduce__(self) -> tuple[type[InvalidRequest], tuple[Sequence[FieldViolation]]]:
        """Cross to another process by what the constructor takes, not by the message."""
        return type(self), (self.violations,)

    @classmethod
    def of(cls, field: str, description: str) -> InvalidRequest:
        """Return the error for a single wrong field."""
        return cls([FieldViolation(field, description)])


class NotFound(ServiceError):
    """No such object, or it belongs to another tenant."""

    code = "NOT_FOUND"
    reason = "NOT_FOUND"


class RequestIdReused(ServiceError):
    """A request id came back with another body."""

    code = "INVALID_ARGUMENT"
    reason = "REQUEST_ID_REUSED"


class PreconditionFailed(ServiceError):
    """The state of things forbids the call; `reason` says which."""

    code = "FAILED_PRECONDITION"

    def __init__(self, reason: str, message: str, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message, metadata)
        self.reason = reason


class UpstreamUnavailable(ServiceError):
    """A service this one depends on does not answer; metadata names it."""

    code = "UNAVAILABLE"
    reason = "UPSTREAM_UNAVAILABLE"
    retry_seconds = 2.0

    def __init__(self, service: str, detail: str) -> None:
        super().__init__(f"{service} does not answer: {detail}; start it or try again", {"service": service})


class NotReady(ServiceError):
    """The service is up but has not loaded its data."""

    code = "UNAVAILABLE"
    reason = "NOT_READY"
    retry_seconds = 2.0


class CapacityExceeded(ServiceError):
    """The queue is full or the deadline cannot be met."""

    code = "RESOURCE_EXHAUSTED"
    reason = "CAPACITY"
    retry_seconds = 1.0


class DeadlineExceeded(ServiceError):
    """The caller's deadline passed before the work was done."""

    code = "DEADLINE_EXCEEDED"
    reason = "DEADLINE_EXCEEDED"


class UnsupportedCombination(ServiceError):
    """This objective does not go together with one of the limits."""

    code = "UNIMPLEMENTED"
    reason = "UNSUPPORTED_COMBINATION"


class SolutionRefused(ServiceError):
    """No solver reached the required residuals, so there is no answer to give."""

    code = "INTERNAL"
    reason = "SOLUTION_REFUSED"
