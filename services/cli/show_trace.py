"""One number, from its sentence to its fact, to the solver, to the dated assumption."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fiducia.type.v1 import fact_pb2
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from services.cli.format import day, fact_value, local, short
from services.cli.trace import Step, Trace

_KINDS = {
    fact_pb2.SOURCE_KIND_SOLVER: "solved by",
    fact_pb2.SOURCE_KIND_KNOWLEDGE_BASE: "knowledge base:",
    fact_pb2.SOURCE_KIND_ASSUMPTION: "assumption of the set",
    fact_pb2.SOURCE_KIND_CLIENT: "stated by the client:",
    fact_pb2.SOURCE_KIND_RULE: "rule",
    fact_pb2.SOURCE_KIND_DERIVED: "computed:",
}
_SHOWN_BESIDE = 4
# A stop behind a single capital letter is one of an abbreviation, as in U.S.
_SENTENCE_END = re.compile(r"(?<![A-Z])\.\s+|。")


def show_trace(trace: Trace, language: str) -> RenderableType:
    """Return the sentence with its number marked, and below it each fact with what it was computed from."""
    steps = [
        Padding(Group(_fact(step.fact, language), _origin(step, language)), (0, 0, 0, 2 * depth), expand=False)
        for depth, step in enumerate(trace.steps)
    ]
    return Group(_sentence(trace), Text(), *steps)


def _sentence(trace: Trace) -> Text:
    """Return the sentence around the number, without the others of its segment."""
    text = trace.segment.text
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    start = max((end for end in ends if end <= trace.start), default=0)
    stop = min((end for end in ends if end >= trace.end), default=len(text))
    sentence = Text("“" + text[start : trace.start].lstrip())
    sentence.append(text[trace.start : trace.end], style="bold reverse")
    sentence.append(text[trace.end : stop].rstrip() + "”")
    return sentence


def _fact(fact: fact_pb2.Fact, language: str) -> Text:
    value = fact_value(fact, language)
    return Text.assemble("└ ", (local(fact.label, language), ""), ": ", (value, "bold"), (f"  {fact.id}", "cyan"))


def _origin(step: Step, language: str) -> RenderableType:
    source = step.fact.source
    parts = [f"{_KINDS.get(source.kind, 'source not stated:')} {source.reference}".strip()]
    if step.fact.as_of.year:
        parts.append(f"as of {day(step.fact.as_of)}")
    if source.digest:
        parts.append(f"digest {short(source.digest)}")
    if source.kind == fact_pb2.SOURCE_KIND_KNOWLEDGE_BASE and not source.verified:
        parts.append("to be checked with the issuer")
    if step.beside:
        parts.append(f"also from {_beside(step.beside, language)}")
    return Padding(Text(", ".join(parts), style="dim"), (0, 0, 0, 2), expand=False)


def _beside(facts: Sequence[fact_pb2.Fact], language: str) -> str:
    named = ", ".join(f"{fact.id} {fact_value(fact, language)}" for fact in facts[:_SHOWN_BESIDE])
    more = len(facts) - _SHOWN_BESIDE
    return named + (f" and {more} more" if more > 0 else "")
