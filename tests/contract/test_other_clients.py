"""Clients that share no code with us create proposals with the real services."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sysconfig
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from google.protobuf.json_format import MessageToDict
from google.type import money_pb2

from tests.integration.orchestrator.kit import create_request
from tests.integration.orchestrator.processes import Process
from tests.integration.orchestrator.real_services import real_orchestrator

ROOT = Path(__file__).resolve().parents[2]
NODE_CLIENT = ROOT / "tests" / "contract" / "node"
GOOGLE_PROTOS = Path(money_pb2.__file__).parents[2]
BUF = Path(sysconfig.get_path("scripts")) / "buf"
SECONDS = 240

pytestmark = [pytest.mark.timeout(2 * SECONDS), pytest.mark.asyncio(loop_scope="module")]


def _request() -> str:
    return json.dumps(MessageToDict(create_request()))


def _output(command: list[str | Path], given: str = "") -> str:
    done = subprocess.run([str(part) for part in command], input=given, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def orchestrator(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Process]:
    """Return the orchestrator in front of the other three services."""
    async with real_orchestrator(tmp_path_factory.mktemp("data")) as front:
        yield front


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the Node client and its two packages."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("Node.js and npm are not installed; `apt-get install nodejs npm` brings them")
    folder = tmp_path_factory.mktemp("node") / "client"
    shutil.copytree(NODE_CLIENT, folder, ignore=shutil.ignore_patterns("node_modules"))
    _output(["npm", "ci", "--silent", "--no-audit", "--no-fund", "--prefix", folder])
    return folder


async def test_a_node_client_made_from_the_proto_files_alone_creates_and_streams_a_proposal(
    node: Path, orchestrator: Process
) -> None:
    command = ["node", node / "client.mjs", orchestrator.address, ROOT / "protos", GOOGLE_PROTOS]

    seen = json.loads(await _in_thread(command, _request()))

    assert seen["created"] == "PROPOSAL_STATE_DRAFTING"
    assert seen["state"] == "PROPOSAL_STATE_AWAITING_APPROVAL"
    assert seen["events"][0] == "created"
    assert seen["events"][-1] == "completed"
    assert {"profileScored", "universeSelected", "segmentVerified"} <= set(seen["events"])


async def test_buf_curl_lists_the_services_by_reflection_and_creates_a_proposal(orchestrator: Process) -> None:
    base = f"http://{orchestrator.address}"
    curl = [BUF, "curl", "--http2-prior-knowledge", "--protocol", "grpc", "--reflect-protocol", "grpc-v1alpha"]

    services = await _in_thread([*curl, base, "--list-services"])
    method = f"{base}/fiducia.advisor.v1.AdvisorService/CreateProposal"
    created = json.loads(await _in_thread([*curl, method, "--data", "@-"], _request()))

    assert "fiducia.advisor.v1.AdvisorService" in services.split()
    assert created["proposal"]["state"] == "PROPOSAL_STATE_DRAFTING"


async def _in_thread(command: list[str | Path], given: str = "") -> str:
    return await asyncio.to_thread(_output, command, given)
