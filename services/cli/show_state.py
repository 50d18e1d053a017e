"""Where a proposal stands, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fiducia.advisor.v1 import proposal_pb2
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from services.cli.format import day, percent, short
from services.cli.limits import client_field, limit_in_words
from services.cli.show_prose import show_findings

DRAFT = "DRAFT, not approved"


def show_state(proposal: proposal_pb2.Proposal) -> RenderableType:
    """Return the state and the record of a proposal that recommends something."""
    versions = proposal.versions
    label = versions.assumptions_label.lower() or "undated"
    state = Text(f"{DRAFT}, {label} assumptions of {day(versions.assumptions_as_of)}", style="bold")
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("Proposal", proposal.id)
    table.add_row("Record", f"{proposal.last_sequence} events, digest {short(proposal.record_digest)}")
    table.add_row("Rules", f"{versions.rule_pack}, questionnaire {versions.questionnaire}")
    return Group(
        state,
        Text("A named person must approve it before a client may act on it.", style="dim"),
        table,
    )


def print_where_next(console: Console, file: Path, next_commands: Sequence[str]) -> None:
    """Print the file that was written and what to try next; neither is broken into lines, so that it can be copied."""
    console.print(Text(f" JSON      {file}\n"), soft_wrap=True)
    console.print(Text(" Try next:"))
    for command in next_commands:
        console.print(Text(f"   {command}", style="cyan"), soft_wrap=True)


def show_outcome(proposal: proposal_pb2.Proposal, language: str) -> RenderableType:
    """Return why a whole proposal recommends nothing."""
    outcome = proposal.WhichOneof("outcome")
    if outcome == "infeasibility":
        return _infeasible(proposal)
    if outcome == "failure":
        failure = proposal.failure
        return Text(f"The work could not be finished, nothing is recommended: {failure.message} ({failure.reason})")
    return Group(
        Text("BLOCKED: the rules forbid a proposal for this client as it stands; nothing is recommended."),
        show_findings(proposal.findings, language),
    )


def _infeasible(proposal: proposal_pb2.Proposal) -> RenderableType:
    lines = [Text("INFEASIBLE: these limits contradict each other; loosen any one of them.", style="bold")]
    for conflict in proposal.infeasibility.conflicts:
        field = client_field(conflict)
        line = Text.assemble("  ", (f"{field}: " if field else "", "bold"), limit_in_words(conflict))
        if conflict.HasField("relaxed_bound"):
            line.append(f"; with {percent(conflict.relaxed_bound)} there is a solution")
        lines.append(line)
    return Group(*lines)
