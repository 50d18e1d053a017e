from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from fiducia.advice.v1 import advice_service_pb2 as advice
from fiducia.advice.v1 import advice_service_pb2_grpc as advice_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from shared.client import connect
from tests.integration.shared import drain_server

_DEADLINE = 30.0


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[tuple[subprocess.Popen[bytes], grpc.aio.Channel]]:
    port_file = tmp_path / "port"
    process = subprocess.Popen([sys.executable, drain_server.__file__, str(port_file)])
    try:
        async with asyncio.timeout(_DEADLINE):
            while not port_file.exists():
                await asyncio.sleep(0.05)
        async with connect(f"127.0.0.1:{port_file.read_text()}") as channel:
            yield process, channel
    finally:
        process.kill()
        process.wait()


async def _status(channel: grpc.aio.Channel) -> int:
    stub = health_pb2_grpc.HealthStub(channel)
    return (await stub.Check(health_pb2.HealthCheckRequest(service=drain_server.SERVICE))).status


async def _wait_until_serving(channel: grpc.aio.Channel) -> None:
    async with asyncio.timeout(_DEADLINE):
        while await _status(channel) != health_pb2.HealthCheckResponse.SERVING:
            await asyncio.sleep(0.02)


async def test_sigterm_turns_health_off_first_and_lets_the_running_call_finish(
    server: tuple[subprocess.Popen[bytes], grpc.aio.Channel],
) -> None:
    process, channel = server
    await _wait_until_serving(channel)
    watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=drain_server.SERVICE))
    assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
    call = advice_grpc.AdviceServiceStub(channel).GetModel(advice.GetModelRequest())
    await asyncio.sleep(0.5)

    process.send_signal(signal.SIGTERM)

    assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
    assert not call.done()
    watch.cancel()
    assert (await call).model == "finished"
    assert process.wait(_DEADLINE) == 0


async def test_sigterm_while_loading_stops_the_server(
    server: tuple[subprocess.Popen[bytes], grpc.aio.Channel],
) -> None:
    process, _ = server

    process.send_signal(signal.SIGTERM)

    assert process.wait(_DEADLINE) == 0


async def test_reflection_lists_the_service(server: tuple[subprocess.Popen[bytes], grpc.aio.Channel]) -> None:
    _, channel = server
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)

    call = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
    answer = await call.read()

    names = [entry.name for entry in answer.list_services_response.service]
    assert drain_server.SERVICE in names
