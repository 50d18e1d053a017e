"""Services as processes of their own, over one data folder."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
from fiducia.advisor.v1 import advisor_service_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from shared.client import connect

ROOT = Path(__file__).parents[3]
SECONDS = 60.0
SERVING = health_pb2.HealthCheckResponse.SERVING


@dataclass(frozen=True)
class Process:
    """A running service, a channel to it and its log."""

    child: asyncio.subprocess.Process
    address: str
    channel: grpc.aio.Channel
    log: Path

    @property
    def stub(self) -> advisor_service_pb2_grpc.AdvisorServiceAsyncStub:
        """The orchestrator's client."""
        return advisor_service_pb2_grpc.AdvisorServiceStub(self.channel)

    async def is_serving(self) -> bool:
        """Whether health says so."""
        stub = health_pb2_grpc.HealthStub(self.channel)
        answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=SECONDS)  # type: ignore[attr-defined]
        return bool(answer.status == SERVING)

    async def until_serving(self) -> None:
        """Wait for health."""
        async with asyncio.timeout(SECONDS):
            while not await self.is_serving():
                await asyncio.sleep(0.05)

    async def until_logged(self, phrase: str) -> None:
        """Wait for a line of the log."""
        async with asyncio.timeout(SECONDS):
            while phrase not in self.log.read_text():
                await asyncio.sleep(0.05)

    async def stop(self, with_kill: bool = False) -> int:
        """End the process, politely or not, and return its status."""
        (self.child.kill if with_kill else self.child.terminate)()
        return await asyncio.wait_for(self.child.wait(), SECONDS)


@asynccontextmanager
async def process(name: str, folder: Path, **settings: str) -> AsyncIterator[Process]:
    """Start a service over this data folder; whatever is left of it at the end is killed."""
    port_file, log = folder / f"{name}.port", folder / f"{name}.log"
    port_file.unlink(missing_ok=True)
    told = {"data_dir": str(folder), "port_file": str(port_file), "catalogue_poll_seconds": "0.1", **settings}
    env = {**os.environ, **{f"FIDUCIA_{key.upper()}": value for key, value in told.items()}}
    with log.open("ab") as stderr:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", f"services.{name}", cwd=ROOT, env=env, stderr=stderr
        )
    try:
        async with asyncio.timeout(SECONDS):
            while not port_file.exists():
                await asyncio.sleep(0.05)
        address = f"127.0.0.1:{port_file.read_text()}"
        async with connect(address) as channel:
            yield Process(child, address, channel, log)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


async def run(module: str, *arguments: str) -> None:
    """Run a module to its end, which must be a good one."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL
    )
    assert await child.wait() == 0
