"""The services as a set: awaited together, stopped in order, and a dead one named with its last words."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer

from services.cli.child import Command
from services.cli.errors import SERVICE_DOWN, CliError
from services.cli.health import is_serving
from services.cli.model_server import ModelProgress, last_event, model_progress
from services.cli.stack import STOP_ORDER, Stack
from tests.unit.cli.processes import LISTENER, ends_within, is_running

# Tells its port, and on SIGTERM writes its name into a file that all share.
RECORDER = """
import os, pathlib, signal, sys, time
def stop(*_):
    with open(os.environ["ORDER"], "a") as file:
        file.write(os.environ["NAME"] + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
pathlib.Path(os.environ["FIDUCIA_PORT_FILE"]).write_text("1")
time.sleep(60)
"""


def stack(tmp_path: Path) -> Stack:
    return Stack(tmp_path / "log", tmp_path / "run")


async def test_addresses_come_from_the_port_files(tmp_path: Path) -> None:
    async with stack(tmp_path) as services:
        services.start(Command("retrieval", ("-c", LISTENER), {}))

        addresses = await services.listening(["retrieval"])

        assert addresses == {"retrieval": "127.0.0.1:1"}


async def test_the_front_door_stops_first_and_the_model_last(tmp_path: Path) -> None:
    order = tmp_path / "order"
    names = sorted(STOP_ORDER)
    async with stack(tmp_path) as services:
        for name in names:
            services.start(Command(name, ("-c", RECORDER), {"ORDER": str(order), "NAME": name}))
        await services.listening(names)

    assert order.read_text().split() == ["orchestrator", "advice", "optimizer", "retrieval", "model"]


async def test_nothing_is_left_when_the_block_fails(tmp_path: Path) -> None:
    services = stack(tmp_path)

    async def fail() -> None:
        async with services:
            services.start(Command("retrieval", ("-c", LISTENER), {}))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    assert not is_running(services.children["retrieval"].pid)
    assert not (tmp_path / "run").exists()


async def test_a_cancelled_stop_kills_what_is_left(tmp_path: Path) -> None:
    stubborn = RECORDER.replace("sys.exit(0)", "pass")
    services = stack(tmp_path)
    child = services.start(Command("advice", ("-c", stubborn), {"ORDER": str(tmp_path / "o"), "NAME": "advice"}))
    await services.listening(["advice"])
    stopping = asyncio.create_task(services.stop())
    await asyncio.sleep(0.2)

    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping

    assert ends_within(2, child.pid)


async def test_a_dead_service_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    async with stack(tmp_path) as services:
        services.start(Command("optimizer", ("-c", "raise SystemExit('the data is missing')"), {}))

        with pytest.raises(CliError, match="optimizer ended with exit status 1") as caught:
            await services.listening(["optimizer"])

    assert caught.value.status == SERVICE_DOWN
    assert "the data is missing" in caught.value.message


async def test_health_tells_whether_a_service_takes_calls() -> None:
    health = HealthServicer()
    server = grpc.aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()

    await health.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    assert not await is_serving(f"127.0.0.1:{port}")
    await health.set("", health_pb2.HealthCheckResponse.SERVING)
    assert await is_serving(f"127.0.0.1:{port}")
    await server.stop(None)
    assert not await is_serving(f"127.0.0.1:{port}")


def test_the_last_whole_line_of_events_counts(tmp_path: Path) -> None:
    output = tmp_path / "model.out"
    lines = [json.dumps({"event": "server.start", "detail": "starting", "seconds": 1}), '{"event": "serv']
    output.write_text("\n".join(lines))

    assert last_event(output) == ModelProgress("server.start", "starting")


async def test_an_ended_model_server_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    async with stack(tmp_path) as services:
        child = services.start(Command("model", ("-c", "raise SystemExit('no disk left')"), {}))
        while child.exit_status is None:
            await asyncio.sleep(0.02)

        assert model_progress(child) == ModelProgress("error", "no disk left")
