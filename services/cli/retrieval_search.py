"""`fiducia search`: the passages that answer a question, or why there are none."""

from __future__ import annotations

import re

from fiducia.retrieval.v1 import passage_pb2
from fiducia.retrieval.v1 import retrieval_service_pb2 as pb
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from services.cli.format import day, short
from services.cli.retrieval_call import CALL_SECONDS, retrieval
from services.cli.retrieval_output import counted, kind_words, print_answer, printable, trust_words
from services.cli.retrieval_request import SearchOptions, search_request
from services.cli.retrieval_snapshots import snapshot_id

_INDENT = 4


async def search(options: SearchOptions, snapshot: str, address: str | None, *, as_json: bool) -> int:
    """Print what is found; snapshot: an id or its beginning, "" for the active one."""
    request = search_request(options)
    async with retrieval(address) as stub:
        request.index_snapshot = await snapshot_id(stub, snapshot)
        response = await stub.SearchPassages(request, timeout=CALL_SECONDS)
    print_answer(response, lambda: show_search(response), as_json=as_json)
    return 0


def show_search(response: pb.SearchPassagesResponse) -> RenderableType:
    """Return each passage with its relevance, where it comes from and its words; or why there is none."""
    if not response.results:
        return _nothing(response)
    end = f"{counted(len(response.results), 'passage')}, index {short(response.index_snapshot)}."
    found = (_hit(rank, result) for rank, result in enumerate(response.results, start=1))
    return Group(*found, Text(end, style="dim"))


def _nothing(response: pb.SearchPassagesResponse) -> RenderableType:
    if response.nothing_found == pb.NOTHING_FOUND_NONE_RELEVANT:
        headline = "Nothing relevant: the documents do not seem to answer this question."
        advice = (
            f"The nearest passage has relevance {response.best_relevance:.2f}. Add --all to see the nearest passages "
            "whatever they are worth."
        )
    else:
        headline = "Nothing can be found: no passage matches the options and is in force on that day."
        advice = "Leave out an option such as --product or --kind, or name another day with --as-of."
    return Group(Text(headline, style="yellow"), Text(advice))


def _hit(rank: int, result: pb.ScoredPassage) -> RenderableType:
    passage = result.passage
    title = Text.assemble(f"{rank:2}. ", (f"{result.relevance:.2f}", "green"), "  ", (printable(passage.title), "bold"))
    if passage.heading:
        title.append(f" > {printable(passage.heading)}")
    words = Text(printable(passage.text))
    if passage.product_id:
        words.highlight_regex(rf"(?<!\w){re.escape(passage.product_id)}(?!\w)", style="bold cyan")
    lines = [
        Text(printable(_origin(passage)), style="dim"),
        words,
        Text(passage.id, style="dim", overflow="fold"),
        Text(),
    ]
    if passage_pb2.PASSAGE_FLAG_INSTRUCTION_LIKE in passage.flags:
        lines.insert(1, Text("flagged: reads like an instruction to a model; it is never cited", style="red"))
    return Group(title, Padding(Group(*lines), (0, 0, 0, _INDENT), expand=False))


def _origin(passage: passage_pb2.Passage) -> str:
    """Return `Example Trust, issuer, factsheet of BND (en), in force from 2026-01-01, page 3`."""
    product = f" of {passage.product_id}" if passage.product_id else ""
    parts = [passage.source, trust_words(passage.trust), f"{kind_words(passage.kind)}{product} ({passage.language})"]
    if passage.effective_date.year:
        parts.append(f"in force from {day(passage.effective_date)}")
    if passage.expiry_date.year:
        parts.append(f"expires {day(passage.expiry_date)}")
    if passage.HasField("page"):
        parts.append(f"page {passage.page}")
    return ", ".join(part for part in parts if part)
