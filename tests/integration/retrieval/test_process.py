from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from fiducia.retrieval.v1 import retrieval_service_pb2 as pb
from fiducia.retrieval.v1 import retrieval_service_pb2_grpc as pb_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from shared.snapshots import activate

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
# The model library takes ten seconds to import on a busy machine.
DEADLINE_SECONDS = 120.0


def wait_for(what: str, is_so: Callable[[], bool], deadline: float) -> None:
    while not is_so():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not happen in time")
        time.sleep(0.05)


def test_the_process_waits_for_an_index_then_serves_and_drains_on_sigterm(tmp_path: Path, first_index: str) -> None:
    """One process through its whole life, since starting one is slow."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    port_file, log_file = tmp_path / "port", tmp_path / "log"
    index = tmp_path / "index"
    hidden = index.rename(tmp_path / "built-elsewhere")
    environment = {
        **os.environ,
        "FIDUCIA_DATA_DIR": str(tmp_path),
        "FIDUCIA_PORT_FILE": str(port_file),
        "FIDUCIA_RETRIEVAL_POLL_SECONDS": "0.05",
    }
    with log_file.open("w") as log:
        process = subprocess.Popen([sys.executable, "-m", "services.retrieval"], env=environment, stderr=log)
    try:
        wait_for("a port", port_file.exists, deadline)
        with grpc.insecure_channel(f"127.0.0.1:{port_file.read_text()}") as channel:
            health: Any = health_pb2_grpc.HealthStub(channel)
            stub = pb_grpc.RetrievalServiceStub(channel)
            name = health_pb2.HealthCheckRequest(service="fiducia.retrieval.v1.RetrievalService")

            wait_for("the hint", lambda: "run: fiducia ingest kb/" in log_file.read_text(), deadline)
            assert health.Check(name).status == NOT_SERVING
            with pytest.raises(grpc.RpcError) as refused:
                stub.SearchPassages(pb.SearchPassagesRequest(query="fees"))
            assert refused.value.code() is grpc.StatusCode.UNAVAILABLE

            hidden.rename(index)
            activate(index, first_index)
            wait_for("serving", lambda: health.Check(name).status == SERVING, deadline)
            answer = stub.SearchPassages(pb.SearchPassagesRequest(query="How do fees compound?"))
            assert answer.results[0].passage.document_id == "en-fees"

            questions = [f"How do fees compound over {number} years?" for number in range(16)]
            last = [stub.SearchPassages.future(pb.SearchPassagesRequest(query=one)) for one in questions]
            process.send_signal(signal.SIGTERM)
            assert all(call.result().results for call in last)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()
    assert "fees" not in log_file.read_text(), "a question reached the log"
