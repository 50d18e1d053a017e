"""The embedded model server: real environment, real weights, real vLLM."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from services.model.health import is_healthy
from tests.system.conftest import RunningModel, serve_process

pytestmark = [pytest.mark.system, pytest.mark.timeout(1800)]  # The first run installs 2 GB.

CHEAP, BROAD = "The fund is cheap.", "The fund is broad."
GRAMMAR = f'root ::= "{CHEAP}" | "{BROAD}"\n'


def test_it_is_healthy(model_server: RunningModel) -> None:
    assert is_healthy(model_server.base_url)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_grammar_of_two_sentences_allows_no_third(model_server: RunningModel, seed: int) -> None:
    answer = complete(model_server, {"grammar": GRAMMAR}, temperature=1.0, seed=seed)

    assert answer in (CHEAP, BROAD)


def test_a_grammar_of_one_sentence_decides_the_answer(model_server: RunningModel) -> None:
    assert complete(model_server, {"grammar": f'root ::= "{CHEAP}"\n'}) == CHEAP
    assert complete(model_server, {"grammar": f'root ::= "{BROAD}"\n'}) == BROAD


def test_chinese_passes_through_a_grammar_whole(model_server: RunningModel) -> None:
    answer = complete(model_server, {"grammar": 'root ::= "该基金费用低。" | "该基金分散。"\n'})

    assert answer in ("该基金费用低。", "该基金分散。")


def test_the_same_seed_gives_the_same_answer(model_server: RunningModel) -> None:
    first, second = (complete(model_server, {}, temperature=1.0, seed=7, max_tokens=12) for _ in range(2))

    assert first == second


def test_warm_caches_need_no_network() -> None:
    offline = os.environ | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "FIDUCIA_MODEL_BASE_URL": ""}
    command = [sys.executable, "-m", "services.model", "prepare", "--json"]
    subprocess.run(command, check=True, env=os.environ | {"FIDUCIA_MODEL_BASE_URL": ""}, stdout=subprocess.DEVNULL)

    done = subprocess.run(command, env=offline, capture_output=True, text=True, check=False)

    events = [json.loads(line)["event"] for line in done.stdout.splitlines()]
    assert (done.returncode, events) == (0, ["environment.ready", "weights.ready"])


def test_sigterm_ends_every_process_and_reports_success() -> None:
    with serve_process() as started:
        processes = vllm_processes(started.process.pid)

        started.process.send_signal(signal.SIGTERM)

        assert started.process.wait(60) == 0
    assert len(processes) >= 3  # The HTTP server, its engine and its worker.
    assert still_there(processes, within_seconds=0.0) == set()


def test_killing_the_parent_ends_every_process() -> None:
    with serve_process() as started:
        processes = vllm_processes(started.process.pid)

        started.process.kill()

        # vLLM is asked politely first and has nothing in flight.
        assert still_there(processes, within_seconds=30.0) == set()


def complete(
    server: RunningModel,
    structured_outputs: dict[str, str],
    temperature: float = 0.0,
    seed: int | None = None,
    max_tokens: int = 64,
) -> str:
    body = {
        "model": server.model,
        "messages": [{"role": "user", "content": "Describe the fund in one sentence."}],
        "max_tokens": max_tokens,
        "temperature": temperature,
        "seed": seed,
    }
    if structured_outputs:
        body["structured_outputs"] = structured_outputs
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{server.base_url}/chat/completions", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=120) as answer:
        found: dict[str, Any] = json.load(answer)
    return str(found["choices"][0]["message"]["content"])


def vllm_processes(serve: int) -> set[int]:
    """Return every process below `serve`, read from /proc."""
    children = Path(f"/proc/{serve}/task/{serve}/children")
    found = {int(pid) for pid in children.read_text().split()} if children.exists() else set()
    return found.union(*(vllm_processes(pid) for pid in found))


def still_there(processes: set[int], within_seconds: float) -> set[int]:
    """Return those of the processes that still run when the time is over; a zombie does not run."""
    deadline = time.monotonic() + within_seconds
    while (alive := {pid for pid in processes if _runs(pid)}) and time.monotonic() < deadline:
        time.sleep(0.2)
    return alive


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
