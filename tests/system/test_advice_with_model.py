"""The advice service as a process of its own, writing with a real model under both grammars."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from fiducia.advice.v1 import advice_service_pb2 as pb
from fiducia.advice.v1 import advice_service_pb2_grpc, segment_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.advice.grammar_phrases import openings
from services.advice.numbers import find_quantities
from services.advice.outline import outline
from services.advice.pointers import without_pointers
from services.advice.vllm import VllmWriter
from tests.unit.advice.briefs import US_FAMILY, US_YOUNG, brief, cn_saver, question, request
from tests.unit.advice.delivered import unbound

# The first run prepares the model server: 2 GB.
pytestmark = [pytest.mark.system, pytest.mark.timeout(1800)]

START_SECONDS = 60.0
# Two busy cores take half a minute for a text.
TEXT_SECONDS = 240.0
SERVICE = "fiducia.advice.v1.AdviceService"


@pytest.fixture(scope="module")
def stub(model_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    port_file = tmp_path_factory.mktemp("advice") / "port"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    environment |= {"FIDUCIA_ADVICE_MODEL_BASE_URL": model_server.base_url, "FIDUCIA_PORT_FILE": str(port_file)}
    environment |= {"FIDUCIA_ADVICE_TIMEOUT_SECONDS": "120"}
    process = subprocess.Popen([sys.executable, "-m", "services.advice"], env=environment)
    try:
        with grpc.insecure_channel(f"127.0.0.1:{_port(port_file, process)}") as channel:
            _await_serving(channel)
            yield advice_service_pb2_grpc.AdviceServiceStub(channel)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_the_model_is_known(stub: Any, model_server: Any) -> None:
    model = stub.GetModel(pb.GetModelRequest(), timeout=10)

    assert (model.model, model.available) == (model_server.model, True)


@pytest.mark.parametrize("case", [US_FAMILY, cn_saver()], ids=["en", "zh"])
def test_the_model_chooses_every_open_segment_and_no_number_is_loose(stub: Any, case: Any) -> None:
    found = _texts(stub, case, pb.STRICTNESS_PHRASES)

    loose = [quantity.text for segment in found for quantity in find_quantities(unbound(segment))]
    assert loose == []
    assert Counter(segment.origin for segment in found)[segment_pb2.SEGMENT_ORIGIN_TEMPLATE] == 1
    assert all(segment.citations for segment in found if "[" in segment.text)


def test_the_choices_of_the_model_differ_between_briefs(stub: Any) -> None:
    chosen = [_common_choices(_texts(stub, case, pb.STRICTNESS_PHRASES)) for case in (US_FAMILY, US_YOUNG)]

    assert all(len(choices) > 5 for choices in chosen)
    assert chosen[0] != chosen[1]


def test_free_words_hold_no_digit_and_no_loose_number(stub: Any) -> None:
    found = _texts(stub, US_FAMILY, pb.STRICTNESS_FREE_WORDS)

    outputs = [without_pointers(segment.model_output) for segment in found if segment.model_output]
    assert outputs
    assert [output for output in outputs if re.search(r"\d", output)] == []
    assert [q.text for segment in found for q in find_quantities(unbound(segment))] == []


async def test_a_model_that_is_told_to_write_digits_cannot(model_server: Any) -> None:
    from services.advice.ebnf import han_without_numerals
    from services.advice.prompt import Prompt

    writer = VllmWriter(model_server.base_url, "", 120.0, 1.0, None)
    writer.load()
    await writer.state()
    grammar = f'root ::= unit{{10,20}} "{{{{f:volatility}}}}" "。"\nunit ::= {han_without_numerals()}\n'

    output = await writer.write(Prompt("写数字。", "写出：一二三四五六七八九十 12345"), grammar, 200)
    await writer.close()

    assert output.endswith("{{f:volatility}}。")
    assert not set(output) & set("一二三四五六七八九十百千万亿0123456789")


def test_a_question_is_answered_with_sources(stub: Any) -> None:
    message = question("How do bond prices react when interest rates rise?", "en", ("duration", "inflation"))

    found = list(stub.StreamAnswer(message, timeout=TEXT_SECONDS))

    assert found[0].segment.origin == segment_pb2.SEGMENT_ORIGIN_MODEL
    assert found[0].segment.citations


def _texts(stub: Any, case: Any, strictness: pb.Strictness.ValueType) -> list[segment_pb2.Segment]:
    message = request(case)
    message.strictness = strictness
    return [event.segment for event in stub.StreamAdvice(message, timeout=TEXT_SECONDS) if event.HasField("segment")]


def _common_choices(found: list[segment_pb2.Segment]) -> list[tuple[str, str]]:
    """Return what was chosen in the slots that offer the same openings to both English briefs."""
    offers = [
        {(plan.kind, slot.name, tuple(openings(slot.phrases))) for plan in outline(brief(case)) for slot in plan.slots}
        for case in (US_FAMILY, US_YOUNG)
    ]
    common = sorted((kind, name, texts) for kind, name, texts in offers[0] & offers[1] if len(texts) > 1)
    outputs = {segment_pb2.SegmentKind.Name(s.kind)[len("SEGMENT_KIND_") :]: s.model_output for s in reversed(found)}
    return [(name, line) for kind, name, texts in common for line in outputs[kind].split("\n") if line in texts]


def _port(file: Path, process: subprocess.Popen[bytes]) -> int:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if file.exists():
            return int(file.read_text())
        assert process.poll() is None, "the service ended"
        time.sleep(0.1)
    raise AssertionError("the service did not listen in time")


def _await_serving(channel: grpc.Channel) -> None:
    health: Any = health_pb2_grpc.HealthStub(channel)
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        reply = health.Check(health_pb2.HealthCheckRequest(service=SERVICE), timeout=10)
        if reply.status == health_pb2.HealthCheckResponse.SERVING:
            return
        time.sleep(0.1)
    raise AssertionError("the service did not become ready in time")
