"""A server of its own process whose one call takes as long as it is told: for tests of draining."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import grpc
from fiducia.advice.v1 import advice_service_pb2 as advice
from fiducia.advice.v1 import advice_service_pb2_grpc as advice_grpc

from shared.logs import configure_logs
from shared.server import serve
from shared.settings import ServerSettings

SERVICE = "fiducia.advice.v1.AdviceService"
CALL_SECONDS = 3.0


class _Slow(advice_grpc.AdviceServiceServicer):
    async def GetModel(
        self, request: advice.GetModelRequest, context: grpc.aio.ServicerContext
    ) -> advice.GetModelResponse:
        await asyncio.sleep(CALL_SECONDS)
        return advice.GetModelResponse(model="finished")


async def _load() -> None:
    await asyncio.sleep(0.2)


def main() -> None:
    configure_logs("drain", "INFO")
    settings = ServerSettings(port_file=Path(sys.argv[1]), drain_seconds=10)
    asyncio.run(serve(SERVICE, lambda s: advice_grpc.add_AdviceServiceServicer_to_server(_Slow(), s), settings, _load))


if __name__ == "__main__":
    main()
