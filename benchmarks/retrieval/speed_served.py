"""A search over real gRPC on loopback, server and client in one process so that the CPU time of both counts."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path
from typing import Any, cast

import grpc
import numpy as np
from fiducia.retrieval.v1 import retrieval_service_pb2 as pb
from fiducia.retrieval.v1 import retrieval_service_pb2_grpc as pb_grpc

from benchmarks.retrieval.speed_stages import Stages
from services.retrieval.encoder import Encoder
from services.retrieval.parts import Parts
from services.retrieval.quarantine import Quarantine
from services.retrieval.servicer import RetrievalServicer
from services.retrieval.shelf import SnapshotShelf
from services.retrieval.workers import Workers
from shared.client import connect
from shared.interceptors import CallGuard


async def rpc_times(stages: Stages, rounds: int) -> dict[str, float]:
    """Return milliseconds of CPU for one question: "rpc", and "handler" for the same work called directly."""
    workers = Workers(1, 1)
    shelf = cast(SnapshotShelf, _OneSnapshot(stages))
    encoders = cast("list[Encoder]", stages.engine.encoders)
    quarantine = Quarantine(Path("/nonexistent"))
    parts = Parts(Path(), shelf, lambda: encoders, workers, date.today, stages.engine.relevance, quarantine)
    server = grpc.aio.server(interceptors=[CallGuard(lambda: True)])
    pb_grpc.add_RetrievalServiceServicer_to_server(RetrievalServicer(parts), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    best = {name: np.full(len(stages.texts), np.inf) for name in ("rpc", "handler")}
    async with connect(f"127.0.0.1:{port}") as channel:
        stub: Any = pb_grpc.RetrievalServiceStub(channel)
        for _ in range(rounds + 1):
            for number, text in enumerate(stages.texts):
                before = time.process_time()
                await stub.SearchPassages(pb.SearchPassagesRequest(query=text))
                between = time.process_time()
                stages.handle(text)
                took = {"rpc": between - before, "handler": time.process_time() - between}
                for name, seconds in took.items():
                    best[name][number] = min(best[name][number], 1e3 * seconds)
    await server.stop(None)
    workers.close()
    return {name: float(some.mean()) for name, some in best.items()}


class _OneSnapshot:
    """A shelf that holds one snapshot."""

    def __init__(self, stages: Stages) -> None:
        self._snapshot = stages.snapshot

    def get(self, _: str) -> Any:
        return self._snapshot
