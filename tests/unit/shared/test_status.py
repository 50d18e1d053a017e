from __future__ import annotations

import grpc
import pytest
from fiducia.type.v1 import error_reason_pb2
from google.rpc import error_details_pb2 as details

from shared import errors
from shared.errors import FieldViolation, InvalidRequest, ServiceError
from shared.status import MAX_VIOLATIONS, to_call_error, to_status


def _subclasses() -> list[type[ServiceError]]:
    return [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ServiceError)]


@pytest.mark.parametrize("kind", _subclasses())
def test_each_error_has_a_grpc_code_and_a_documented_reason(kind: type[ServiceError]) -> None:
    assert kind.code in grpc.StatusCode.__members__
    assert f"ERROR_REASON_{kind.reason}" in set(error_reason_pb2.ErrorReason.keys())


def test_an_invalid_request_names_the_first_twenty_fields_and_their_count() -> None:
    error = InvalidRequest([FieldViolation(f"items[{i}]", "found -1, expected at least 0") for i in range(150)])

    status = to_status(error)

    info, request = details.ErrorInfo(), details.BadRequest()
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(request)
    assert (info.reason, info.domain, info.metadata["violations"]) == ("INVALID_REQUEST", "fiducia.dev", "150")
    assert [v.field for v in request.field_violations] == [f"items[{i}]" for i in range(MAX_VIOLATIONS)]


def test_error_details_stay_under_six_kibibytes_whatever_the_caller_sent() -> None:
    error = InvalidRequest([FieldViolation("f" * 5000, "值" * 5000) for _ in range(150)])

    _, _, metadata = to_call_error(error)

    assert sum(len(value) for _, value in metadata) < 6 * 1024


def test_an_outage_says_when_to_try_again() -> None:
    status = to_status(errors.UpstreamUnavailable("optimizer", "connection refused"))

    retry = details.RetryInfo()
    assert any(detail.Unpack(retry) for detail in status.details)
    assert retry.retry_delay.seconds == 2
