"""Call the optimizer: where it listens, and what its refusals say of the file that was sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import grpc
from fiducia.optimizer.v1 import optimizer_service_pb2_grpc

from services.cli.connect import find_deployment
from services.cli.errors import BAD_INPUT, CliError, from_call
from services.cli.optimizer_request import RequestFile
from shared.client import connect
from shared.status import reason_of

if TYPE_CHECKING:
    from fiducia.optimizer.v1.optimizer_service_pb2_grpc import OptimizerServiceAsyncStub

OPTIMIZER = "optimizer"
# A back-test over twenty years that optimises monthly takes tens of seconds.
CALL_SECONDS = 300.0
_UNSUPPORTED = "UNSUPPORTED_COMBINATION"

Optimizer: TypeAlias = "OptimizerServiceAsyncStub"


@asynccontextmanager
async def optimizer(address: str | None, request: RequestFile[Any] | None = None) -> AsyncIterator[Optimizer]:
    """Yield a stub of the optimizer; a failed call in the block becomes a CliError that names fields.

    request: where the fields come from, so that file and lines can be named; None where there is no file.
    """
    found = address or (await find_deployment(None)).addresses[OPTIMIZER]
    async with connect(found) as channel:
        try:
            yield optimizer_service_pb2_grpc.OptimizerServiceStub(channel)
        except grpc.aio.AioRpcError as error:
            failed = _as_error(error, f"{OPTIMIZER} at {found}")
            raise (failed if request is None else request.refused(failed)) from error


def _as_error(error: grpc.aio.AioRpcError, service: str) -> CliError:
    """Return the failure; a combination that is not supported is a matter of the request, not a fault."""
    if reason_of(error) == _UNSUPPORTED:
        return CliError(f"{error.details()}; docs/optimizer.md lists what goes together", BAD_INPUT)
    return from_call(error, service)
