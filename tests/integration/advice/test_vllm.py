"""The adapter over real HTTP: what it sends, and what it makes of every kind of answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from services.advice.prompt import Prompt
from services.advice.vllm import VllmWriter
from services.advice.writer import WriterUnavailable
from tests.integration.advice.model_stub import ModelStub, model_stub

PROMPT = Prompt("You explain.", "Choose.")
GRAMMAR = 'root ::= s0\ns0 ::= ("This way" | "That way")\n'


@asynccontextmanager
async def writer_for(stub: ModelStub, seconds: float = 10.0, seed: int | None = None) -> AsyncIterator[VllmWriter]:
    writer = VllmWriter(stub.base_url, "", seconds, 0.7, seed)
    writer.load()
    await writer.state()
    try:
        yield writer
    finally:
        await writer.close()


async def test_the_grammar_travels_where_vllm_reads_it() -> None:
    with model_stub() as stub:
        async with writer_for(stub) as writer:
            output = await writer.write(PROMPT, GRAMMAR, 40)

    body = stub.bodies[0]
    assert output in ("This way", "That way")
    assert body["structured_outputs"] == {"grammar": GRAMMAR}
    assert body["model"] == "small-model"
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert body["temperature"] == 0.7
    assert body.get("max_tokens", body.get("max_completion_tokens")) == 40


async def test_no_seed_is_sent_unless_it_is_set() -> None:
    with model_stub() as stub:
        async with writer_for(stub) as writer:
            await writer.write(PROMPT, GRAMMAR, 40)
        async with writer_for(stub, seed=3) as writer:
            await writer.write(PROMPT, GRAMMAR, 40)
            await writer.write(PROMPT, GRAMMAR, 40)

    assert "seed" not in stub.bodies[0]
    assert stub.bodies[1]["seed"] == stub.bodies[2]["seed"]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda stub: setattr(stub, "status", 500), "HTTP 500"),
        (lambda stub: setattr(stub, "status", 400), "HTTP 400"),
        (lambda stub: setattr(stub, "finish_reason", "length"), r"stopped early \(length\)"),
        (lambda stub: setattr(stub, "drops", 5), "does not answer"),
        (lambda stub: setattr(stub, "delay_seconds", 1.0), "took too long"),
    ],
)
async def test_what_goes_wrong_has_a_reason(spoil: Callable[[ModelStub], None], reason: str) -> None:
    with model_stub() as stub:
        async with writer_for(stub, seconds=0.3) as writer:
            spoil(stub)
            with pytest.raises(WriterUnavailable, match=reason):
                await writer.write(PROMPT, GRAMMAR, 40)


async def test_a_dropped_connection_is_tried_once_more() -> None:
    with model_stub() as stub:
        async with writer_for(stub) as writer:
            stub.drops = 1
            output = await writer.write(PROMPT, GRAMMAR, 40)

    assert output
    assert len(stub.bodies) == 2


async def test_the_state_names_the_first_model_and_forgets_nothing_in_between() -> None:
    with model_stub() as stub:
        async with writer_for(stub) as writer:
            before = await writer.state()

    assert (before.name, before.available) == ("small-model", True)


async def test_a_model_that_is_not_served_is_not_available() -> None:
    with model_stub() as stub:
        writer = VllmWriter(stub.base_url, "another-model", 1.0, 0.7, None)
        state = await writer.state()
        await writer.close()

    assert (state.name, state.available) == ("another-model", False)


async def test_no_server_is_no_error() -> None:
    writer = VllmWriter("http://127.0.0.1:9", "", 1.0, 0.7, None)

    state = await writer.state()
    await writer.close()

    assert not state.available
