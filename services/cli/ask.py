"""`fiducia ask` and `fiducia search`: the knowledge base, asked for an answer with sources or for passages."""

from __future__ import annotations

import sys

from fiducia.advisor.v1 import advisor_service_pb2
from fiducia.retrieval.v1 import passage_pb2, retrieval_service_pb2, retrieval_service_pb2_grpc
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from services.cli.connect import advisor, calls_to, find_deployment
from services.cli.errors import CliError, Problem
from services.cli.proposal_file import to_json
from services.cli.show_prose import origin_name, show_sources
from services.cli.terminal import open_console, waiting
from shared.client import connect

_ANSWER_SECONDS = 300.0
_SEARCH_SECONDS = 30.0


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


async def search(question: str, language: str, limit: int, *, as_json: bool) -> int:
    """Print the passages nearest to a question."""
    _require_words(question)
    deployment = await find_deployment(None)
    address = deployment.addresses["retrieval"]
    languages = [language] if language else []
    request = retrieval_service_pb2.SearchPassagesRequest(
        query=question, limit=limit, filter=retrieval_service_pb2.PassageFilter(languages=languages)
    )
    async with connect(address) as channel:
        stub = retrieval_service_pb2_grpc.RetrievalServiceStub(channel)
        with calls_to(f"retrieval at {address}"):
            response = await stub.SearchPassages(request, timeout=_SEARCH_SECONDS)
    if as_json:
        sys.stdout.write(to_json(response))
    else:
        open_console().print(show_passages(response))
    return 0


def show_answer(response: advisor_service_pb2.AskQuestionResponse) -> RenderableType:
    """Return the answer piece by piece with its sources, or the reason of the abstention."""
    if response.HasField("abstention"):
        return Text.assemble(("No answer: ", "yellow"), response.abstention.reason)
    segments = response.answer.segments
    origins = ", ".join(dict.fromkeys(origin_name(segment) for segment in segments))
    parts = [Padding(Text(segment.text), (0, 0, 1, 0)) for segment in segments]
    return Group(Text(origins, style="dim"), *parts, Text("Sources", style="bold"), show_sources(segments))


def show_passages(response: retrieval_service_pb2.SearchPassagesResponse) -> RenderableType:
    """Return each passage with its place in the knowledge base; flagged ones say so."""
    if not response.results:
        return Text("Nothing in the knowledge base matches.")
    return Group(*(_passage(rank, result.passage) for rank, result in enumerate(response.results, start=1)))


def _passage(rank: int, passage: passage_pb2.Passage) -> RenderableType:
    title = Text(f"{rank}. {passage.title}", style="bold")
    if passage.heading:
        title.append(f" > {passage.heading}")
    title.append(f"  {passage.id}", style="dim")
    if passage_pb2.PASSAGE_FLAG_INSTRUCTION_LIKE in passage.flags:
        title.append("  flagged: reads like an instruction", style="red")
    return Group(title, Padding(Text(passage.text), (0, 0, 1, 3)))


def _require_words(question: str) -> None:
    if not question.strip():
        raise CliError("the question cannot be used:", problems=[Problem("question", "empty; state it in words")])
