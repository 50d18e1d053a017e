"""The command as a process against a front door on loopback: what it prints, and the exit status it leaves."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from fiducia.advisor.v1 import advisor_service_pb2_grpc, client_pb2

from services.cli.client_read import read_client_file
from services.cli.watch import make_proposal
from shared.interceptors import CallGuard
from tests.integration.cli.command import fiducia
from tests.integration.cli.fake_advisor import FakeAdvisor, events, register
from tests.serving import running


@pytest.fixture
async def address() -> AsyncIterator[str]:
    """Yield where a well-behaved front door listens."""
    server = grpc.aio.server(interceptors=[CallGuard(lambda: True)])
    register(FakeAdvisor(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(None)


async def test_an_answer_is_shown_with_its_sources(address: str, tmp_path: Path) -> None:
    done = await fiducia("ask", "Why do bonds fall?", "--address", address, home=tmp_path)

    assert done.status == 0
    assert "Prices fall when yields rise. [1]" in done.out
    assert "[1] A bad year" in done.out


async def test_an_abstention_is_a_result(address: str, tmp_path: Path) -> None:
    done = await fiducia("ask", "How is the weather?", "--address", address, home=tmp_path)

    assert done.status == 0
    assert "No answer: The knowledge base says nothing about it." in done.out


async def test_json_is_the_only_thing_on_standard_output(address: str, tmp_path: Path) -> None:
    done = await fiducia("ask", "Why do bonds fall?", "--address", address, "--json", home=tmp_path)

    assert json.loads(done.out)["answer"]["segments"][0]["text"] == "Prices fall when yields rise. [1]"


async def test_an_empty_question_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    done = await fiducia("ask", "  ", home=tmp_path)

    assert done.status == 2
    assert "question: empty; state it in words" in done.err


async def test_a_service_that_is_down_is_named_without_a_traceback(address: str, tmp_path: Path) -> None:
    done = await fiducia("ask", "outage", "--address", address, home=tmp_path)

    assert done.status == 3
    assert "retrieval does not answer: connection refused" in done.err
    assert "Traceback" not in done.err


async def test_a_front_door_that_is_down_is_named_without_a_traceback(tmp_path: Path) -> None:
    done = await fiducia("products", "list", "--address", "127.0.0.1:1", home=tmp_path)

    assert done.status == 3
    assert "orchestrator at 127.0.0.1:1 does not answer" in done.err
    assert "Traceback" not in done.err


async def test_without_services_one_message_says_what_to_do(tmp_path: Path) -> None:
    done = await fiducia("proposals", "list", home=tmp_path)

    assert done.status == 2
    assert done.err.count("\n") <= 2
    assert "start them with `fiducia up`" in done.err


async def test_an_unknown_proposal_is_told(address: str, tmp_path: Path) -> None:
    done = await fiducia("proposals", "show", "nope", "--address", address, home=tmp_path)

    assert done.status == 2
    assert "there is no proposal nope" in done.err


async def test_a_stored_proposal_is_shown_whole(address: str, tmp_path: Path) -> None:
    done = await fiducia("proposals", "show", "p-1", "--address", address, home=tmp_path)

    titles = ["Client", "Universe", "Allocation", "Advice", "Sources", "Warnings", "State"]
    positions = [done.out.index(f"\n{title}") for title in titles]
    assert positions == sorted(positions)
    assert "\x1b[" not in done.out  # No colours where there is no terminal.


async def test_a_filled_in_template_can_be_read(address: str, tmp_path: Path) -> None:
    done = await fiducia("questionnaire", "--template", "--address", address, home=tmp_path)
    file = tmp_path / "client.yaml"
    file.write_text(done.out.replace("loss: ", "loss: none"))

    assert read_client_file(file).questionnaire.answers == {"loss": "none"}


async def test_every_command_has_an_example_in_its_help(tmp_path: Path) -> None:
    commands = ["up", "advise", "ask", "search", "ingest", "questionnaire", "version"]
    commands += ["proposals list", "proposals show", "products list", "products show"]
    commands += ["optimize", "frontier", "risk", "rebalance", "project", "backtest", "market import"]

    for command in commands:
        done = await fiducia(*command.split(), "--help", home=tmp_path)
        assert done.status == 0
        assert f"fiducia {command}" in done.out


async def test_a_dropped_stream_is_taken_up_where_it_stopped() -> None:
    fake = FakeAdvisor(drop_after=4)
    async with running(lambda server: register(fake, server)) as channel:
        stub = advisor_service_pb2_grpc.AdvisorServiceStub(channel)

        received = [event async for event in make_proposal(stub, client_pb2.ClientSituation())]

    assert [event.sequence for event in received] == [event.sequence for event in events()]
    assert fake.requests[1].resume.after_sequence == 4
