"""The advice text, each piece marked with who chose its words, and its numbered sources."""

from __future__ import annotations

from collections.abc import Iterable

from fiducia.advice.v1 import segment_pb2
from fiducia.advisor.v1 import proposal_pb2
from fiducia.type.v1 import citation_pb2
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from services.cli.format import day, local

_TITLES = {
    segment_pb2.SEGMENT_KIND_SUMMARY: "In short",
    segment_pb2.SEGMENT_KIND_PROFILE: "You as an investor",
    segment_pb2.SEGMENT_KIND_ALLOCATION: "Why these products",
    segment_pb2.SEGMENT_KIND_RISK: "What can go wrong",
    segment_pb2.SEGMENT_KIND_COST: "What it costs",
    segment_pb2.SEGMENT_KIND_TRADES: "What is bought and sold",
    segment_pb2.SEGMENT_KIND_DISADVANTAGE: "Drawbacks",
    segment_pb2.SEGMENT_KIND_ALTERNATIVE: "Other ways",
    segment_pb2.SEGMENT_KIND_DISCLOSURE: "To be disclosed",
    segment_pb2.SEGMENT_KIND_ANSWER: "Answer",
}
_ORIGINS = {
    segment_pb2.SEGMENT_ORIGIN_MODEL: ("MODEL", "green"),
    segment_pb2.SEGMENT_ORIGIN_TEMPLATE: ("TEMPLATE", "yellow"),
}
_MARK_WIDTH = len("TEMPLATE")
_SEVERITIES = {
    proposal_pb2.FINDING_SEVERITY_WARNING: ("warning", "yellow"),
    proposal_pb2.FINDING_SEVERITY_SIGNED_WARNING: ("needs a signed warning", "yellow"),
    proposal_pb2.FINDING_SEVERITY_BLOCK: ("forbids the proposal", "red"),
}


def origin_name(segment: segment_pb2.Segment) -> str:
    """Return MODEL or TEMPLATE."""
    return _ORIGINS.get(segment.origin, ("UNKNOWN", ""))[0]


def show_segment(segment: segment_pb2.Segment, *, is_first_of_kind: bool = True) -> RenderableType:
    """Return one verified piece of text beside the mark of its origin; a title stands above the first of its kind."""
    name, style = _ORIGINS.get(segment.origin, ("UNKNOWN", "red"))
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=_MARK_WIDTH, no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    words = Text(segment.text)
    if segment.fallback_reason:
        words.append(f"  ({segment.fallback_reason})", style="dim")
    title = [Text(_TITLES.get(segment.kind, "Text"), style="bold")] if is_first_of_kind else []
    grid.add_row(Text(name, style=style), Group(*title, words, Text()))
    return grid


def show_sources(segments: Iterable[segment_pb2.Segment]) -> RenderableType:
    """Return each source that a segment cites, once, by its number."""
    cited = {citation.handle: citation for segment in segments for citation in segment.citations}
    if not cited:
        return Text("No sources are cited.", style="dim")
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    for handle in sorted(cited):
        table.add_row(f"[{handle}]", _source(cited[handle]))
    return table


def _source(citation: citation_pb2.Citation) -> Text:
    where = [citation.source, f"in force from {day(citation.effective_date)}" if citation.effective_date.year else ""]
    text = Text(citation.title)
    text.append(f"; {', '.join(part for part in where if part)}; {citation.passage_id}", style="dim")
    return text


def show_findings(findings: Iterable[proposal_pb2.Finding], language: str) -> RenderableType:
    """Return what the rules found, the gravest first, each with its rule and the rule's source."""
    lines: list[Text] = []
    for finding in sorted(findings, key=lambda found: -found.severity):
        word, style = _SEVERITIES.get(finding.severity, ("found", ""))
        line = Text.assemble((f"{finding.rule_id or 'note'} ", "bold"), (f"({word}) ", style))
        line.append(local(finding.message, language))
        if finding.rule_id and finding.rule_source:
            unread = "" if finding.rule_verified else ", not read at its primary source"
            line.append(f"  Rule: {finding.rule_source}{unread}.", style="dim")
        lines.append(line)
    return Group(*lines) if lines else Text("The rules found nothing to remark.")


def count_origins(segments: Iterable[segment_pb2.Segment]) -> str:
    """Return `6 pieces of text by the model, 2 from templates`."""
    names = [origin_name(segment) for segment in segments]
    return f"{names.count('MODEL')} pieces of text by the model, {names.count('TEMPLATE')} from templates"
