"""Find the services that a command speaks to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, TypeAlias

import grpc
from fiducia.advisor.v1 import advisor_service_pb2_grpc

from services.cli.deploy import Deployment, attached_deployment
from services.cli.errors import BAD_INPUT, SERVICE_DOWN, CliError, from_call
from services.cli.health import is_serving
from services.cli.running import ORCHESTRATOR, read_running
from shared.client import connect

CALL_SECONDS = 30.0

if TYPE_CHECKING:
    from fiducia.advisor.v1.advisor_service_pb2_grpc import AdvisorServiceAsyncStub


Advisor: TypeAlias = "AdvisorServiceAsyncStub"


async def running_deployment() -> Deployment | None:
    """Return what `fiducia up` keeps running, or None where nothing runs or its front door does not answer."""
    running = read_running()
    if running is None or not await is_serving(running.addresses[ORCHESTRATOR]):
        return None
    return attached_deployment(running)


async def find_deployment(address: str | None) -> Deployment:
    """Return the services at an address, or those of `fiducia up`; raise CliError where there are none."""
    if address is not None:
        return Deployment({ORCHESTRATOR: address})
    found = await running_deployment()
    if found is not None:
        return found
    running = read_running()
    if running is not None:
        raise CliError(f"orchestrator at {running.addresses[ORCHESTRATOR]} does not answer yet", SERVICE_DOWN)
    raise CliError(
        "no services are running; start them with `fiducia up` in another terminal, or name them with "
        "--address host:port",
        BAD_INPUT,
    )


@asynccontextmanager
async def advisor(deployment: Deployment) -> AsyncIterator[Advisor]:
    """Yield a stub of the front door; a failed call in the block becomes a CliError that names the service."""
    address = deployment.addresses[ORCHESTRATOR]
    async with connect(address) as channel:
        with calls_to(f"{ORCHESTRATOR} at {address}"):
            yield advisor_service_pb2_grpc.AdvisorServiceStub(channel)


@contextmanager
def calls_to(service: str) -> Iterator[None]:
    """Turn a failed call in the block into a CliError that names the service."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise from_call(error, service) from error
