"""`python -m services.optimizer` as a supervisor runs it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from fiducia.optimizer.v1 import optimizer_service_pb2 as service
from fiducia.optimizer.v1 import optimizer_service_pb2_grpc as rpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.optimizer.ingest import ingest
from shared.client import connect
from tests.integration.optimizer.requests import MANY, frontier
from tests.unit.optimizer.builders import KB, ROOT

SERVICE = "fiducia.optimizer.v1.OptimizerService"
PATIENCE_SECONDS = 90.0


class Running:
    """A running service: its process, a channel to it, the folder it reads and the file that its log goes to."""

    def __init__(self, process: subprocess.Popen[bytes], channel: grpc.aio.Channel, folder: Path) -> None:
        self.process = process
        self.channel = channel
        self.market = folder / "market"
        self.log = folder / "log"
        self.stub: Any = rpc.OptimizerServiceStub(channel)

    async def is_serving(self) -> bool:
        """Return what health says."""
        health: Any = health_pb2_grpc.HealthStub(self.channel)
        reply = await health.Check(health_pb2.HealthCheckRequest(service=SERVICE))
        return bool(reply.status == health_pb2.HealthCheckResponse.SERVING)

    def children(self) -> list[int]:
        """Return the processes it started."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        threads = listed.parents[1].glob("*/children")
        return [int(pid) for path in threads for pid in path.read_text().split()]


@pytest.fixture
async def optimizer(tmp_path: Path) -> AsyncIterator[Running]:
    """Start the service before there is a market snapshot, as a first `fiducia up` does."""
    port_file = tmp_path / "port"
    environment = {
        **os.environ,
        "FIDUCIA_DATA_DIR": str(tmp_path),
        "FIDUCIA_PORT_FILE": str(port_file),
        "FIDUCIA_OPTIMIZER_WORKERS": "1",
        "FIDUCIA_OPTIMIZER_POLL_SECONDS": "0.1",
    }
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "services.optimizer"], cwd=ROOT, env=environment, stderr=log)
    try:
        await _until(port_file.exists)
        async with connect(f"127.0.0.1:{port_file.read_text()}") as channel:
            yield Running(process, channel, tmp_path)
    finally:
        process.kill()
        process.wait()


async def _until(claim: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not claim():
            await asyncio.sleep(0.05)


async def _serving(optimizer: Running) -> None:
    ingest(KB, optimizer.market)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await optimizer.is_serving():
            await asyncio.sleep(0.1)


def _newer(optimizer: Running, folder: Path) -> str:
    """Make a newer snapshot the active one, as an ingest beside the service does, and return its name."""
    shutil.copytree(KB / "assumptions", folder / "kb" / "assumptions")
    (shipped,) = sorted((folder / "kb" / "assumptions").glob("*.yaml"))[-1:]
    text = (
        shipped.read_text(encoding="utf-8").replace("\nas_of: 20", "\nas_of: 29", 1).replace("\nid: ", "\nid: new-", 1)
    )
    shipped.with_name("new.yaml").write_text(text, encoding="utf-8")
    return ingest(folder / "kb", optimizer.market)


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


async def test_it_waits_for_a_snapshot_swaps_to_a_newer_one_and_finishes_a_call_when_told_to_stop(
    optimizer: Running, tmp_path: Path
) -> None:
    assert not await optimizer.is_serving()
    await _serving(optimizer)

    newer = _newer(optimizer, tmp_path)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await _active(optimizer)) != newer:
            await asyncio.sleep(0.1)

    children = optimizer.children()
    call = optimizer.stub.ComputeFrontier(frontier(100, MANY))
    await asyncio.sleep(0.2)
    optimizer.process.terminate()
    assert len((await call).frontier.points) == 100
    assert await asyncio.to_thread(optimizer.process.wait, PATIENCE_SECONDS) == 0
    await _until(lambda: not any(map(_is_alive, children)))


async def test_workers_die_with_a_service_that_is_killed(optimizer: Running) -> None:
    await _serving(optimizer)
    children = optimizer.children()
    assert children

    optimizer.process.send_signal(signal.SIGKILL)

    await _until(lambda: not any(map(_is_alive, children)))


async def _active(optimizer: Running) -> str:
    reply = await optimizer.stub.ListMarketSnapshots(service.ListMarketSnapshotsRequest())
    return next(str(snapshot.id) for snapshot in reply.snapshots if snapshot.active)


async def test_workers_compile_for_a_snapshot_that_becomes_the_active_one(optimizer: Running, tmp_path: Path) -> None:
    await _serving(optimizer)

    _newer(optimizer, tmp_path)

    await _until(lambda: "workers warm again" in optimizer.log.read_text())
