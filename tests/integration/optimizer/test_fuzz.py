"""Whatever bytes arrive, the service answers by its contract and goes on.

More examples: FIDUCIA_FUZZ_EXAMPLES=20000 pytest tests/integration/optimizer/test_fuzz.py --timeout 0
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import grpc
import pytest
import pytest_asyncio
from fiducia.optimizer.v1 import optimizer_service_pb2 as service
from fiducia.optimizer.v1 import optimizer_service_pb2_grpc as rpc
from fiducia.type.v1 import error_reason_pb2
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.optimizer.answers import WarmUpJob
from services.optimizer.estimators import Estimation
from services.optimizer.ingest import ingest
from services.optimizer.market import MarketStore
from services.optimizer.pool import WorkerPool
from services.optimizer.price_import import ImportJob, imported
from services.optimizer.prices_read import Format
from services.optimizer.servicer import OptimizerServicer
from shared.status import reason_of
from tests.integration.optimizer.fuzz_messages import garbage, random_message, spoiled
from tests.integration.optimizer.fuzz_requests import PRICES, valid_requests
from tests.serving import running
from tests.unit.optimizer.builders import KB

pytestmark = pytest.mark.asyncio(loop_scope="module")

_EXAMPLES = int(os.environ.get("FIDUCIA_FUZZ_EXAMPLES", "0"))
_METHODS = service.DESCRIPTOR.services_by_name["OptimizerService"].methods
_REASONS = {name.removeprefix("ERROR_REASON_") for name, _ in error_reason_pb2.ErrorReason.items()}
_DOCUMENTED = _REASONS - {"UNSPECIFIED", "INTERNAL"}
_MOST_DETAIL_BYTES = 6 * 1024
_SECONDS = 60.0


def _examples(usual: int) -> settings:
    return settings(max_examples=_EXAMPLES or usual, suppress_health_check=[HealthCheck.too_slow])


@dataclass(frozen=True)
class Served:
    """A server with valid requests for it, by RPC."""

    channel: Any
    requests: dict[str, list[Message]]

    async def outcomes(self, method: MethodDescriptor, content: bytes) -> list[str]:
        """Return what bytes sent to a method bring: OK or a reason, and for a stream the reasons of its items."""
        path = f"/{method.containing_service.full_name}/{method.name}"
        if not method.server_streaming:
            await self.channel.unary_unary(path)(content, timeout=_SECONDS)
            return ["OK"]
        found = ["OK"]
        async for response in self.channel.unary_stream(path)(content, timeout=_SECONDS):
            item = service.BatchOptimizePortfoliosResponse.FromString(response)
            found += [item.error.reason] if item.HasField("error") else []
        return found

    async def is_lawful(self, method: MethodDescriptor, content: bytes) -> str:
        """Return the outcome; fails where it is none of the contract."""
        try:
            found = await self.outcomes(method, content)
        except grpc.aio.AioRpcError as refusal:
            return _lawful_reason(refusal, method)
        assert set(found) <= _DOCUMENTED | {"OK"}, found
        return found[-1]

    async def still_serves(self, method: MethodDescriptor, random: Random) -> None:
        """Fail unless a valid request is answered."""
        valid = random.choice(self.requests[method.name])
        assert await self.outcomes(method, valid.SerializeToString()) == ["OK"]


def _lawful_reason(refusal: grpc.aio.AioRpcError, method: MethodDescriptor) -> str:
    details = dict(refusal.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
    assert reason_of(refusal) in _DOCUMENTED, f"{method.name}: {refusal.code()} {refusal.details()}"
    assert len(details) <= _MOST_DETAIL_BYTES
    return reason_of(refusal)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    root: Path = tmp_path_factory.mktemp("market")
    ingest(KB, root)
    store = MarketStore(root)
    store.refresh()
    prices = store.keep(imported(ImportJob(PRICES, Format.CSV, "USD", "Made up", Estimation())).content)
    pool = WorkerPool(workers=1, queue=8, compiled_problems=8, snapshots=root)
    await pool.start(WarmUpJob(store.market("").factor_count))
    before = pool.process_ids

    def register(server: grpc.aio.Server) -> None:
        rpc.add_OptimizerServiceServicer_to_server(OptimizerServicer(store, pool), server)

    async with running(register) as channel:
        yield Served(channel, valid_requests(str(store.active), prices.id))
    assert pool.process_ids == before
    await pool.close()


@pytest.mark.parametrize("method", _METHODS, ids=lambda method: str(method.name))
async def test_the_valid_requests_are_answered(served: Served, method: MethodDescriptor) -> None:
    for request in served.requests[method.name]:
        assert await served.outcomes(method, request.SerializeToString()) == ["OK"], request


@pytest.mark.parametrize("method", _METHODS, ids=lambda method: str(method.name))
@_examples(20)
@given(seed=st.integers(0, 2**64 - 1))
async def test_a_message_of_random_fields_is_answered_by_the_contract(
    served: Served, method: MethodDescriptor, seed: int
) -> None:
    random = Random(seed)
    message = random_message(method.input_type, random)

    await served.is_lawful(method, message.SerializeToString())

    await served.still_serves(method, random)


@pytest.mark.parametrize("method", _METHODS, ids=lambda method: str(method.name))
@_examples(60)
@given(seed=st.integers(0, 2**64 - 1))
async def test_a_valid_request_with_fields_spoiled_is_answered_by_the_contract(
    served: Served, method: MethodDescriptor, seed: int
) -> None:
    random = Random(seed)
    message = spoiled(random.choice(served.requests[method.name]), random)

    await served.is_lawful(method, message.SerializeToString())

    await served.still_serves(method, random)


@pytest.mark.parametrize("method", _METHODS, ids=lambda method: str(method.name))
@_examples(20)
@given(seed=st.integers(0, 2**64 - 1))
async def test_bytes_that_are_hardly_a_message_are_answered_by_the_contract(
    served: Served, method: MethodDescriptor, seed: int
) -> None:
    random = Random(seed)
    content = garbage(random.choice(served.requests[method.name]).SerializeToString(), random)

    await served.is_lawful(method, content)

    await served.still_serves(method, random)
