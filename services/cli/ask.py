"""`fiducia ask`: the knowledge base, asked for an answer with sources."""

from __future__ import annotations

import sys

from fiducia.advisor.v1 import advisor_service_pb2
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from services.cli.connect import advisor, find_deployment
from services.cli.errors import CliError, Problem
from services.cli.proposal_file import to_json
from services.cli.show_prose import origin_name, show_sources
from services.cli.terminal import open_console, waiting

_ANSWER_SECONDS = 300.0


async def ask(question: str, language: str, jurisdiction: str, address: str | None, *, as_json: bool) -> int:
    """Print the answer with its sources, or why there is none."""
    _require_words(question)
    console = open_console(to_stderr=as_json)
    async with advisor(await find_deployment(address)) as stub:
        request = advisor_service_pb2.AskQuestionRequest(
            question=question, language=language, jurisdiction=jurisdiction
        )
        with waiting(console, "searching, then writing; only verified text is shown"):
            response = await stub.AskQuestion(request, timeout=_ANSWER_SECONDS)
    if as_json:
        sys.stdout.write(to_json(response))
    else:
        console.print(show_answer(response))
    return 0


def show_answer(response: advisor_service_pb2.AskQuestionResponse) -> RenderableType:
    """Return the answer piece by piece with its sources, or the reason of the abstention."""
    if response.HasField("abstention"):
        return Text.assemble(("No answer: ", "yellow"), response.abstention.reason)
    segments = response.answer.segments
    origins = ", ".join(dict.fromkeys(origin_name(segment) for segment in segments))
    parts = [Padding(Text(segment.text), (0, 0, 1, 0)) for segment in segments]
    return Group(Text(origins, style="dim"), *parts, Text("Sources", style="bold"), show_sources(segments))


def _require_words(question: str) -> None:
    if not question.strip():
        raise CliError("the question cannot be used:", problems=[Problem("question", "empty; state it in words")])
