"""Where a proposal stands, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fiducia.advisor.v1 import proposal_pb2
from fiducia.optimizer.v1 import portfolio_pb2
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from services.cli.contradictions import enough, tells_relaxations, together, way_out
from services.cli.format import day, short
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
    found = proposal.infeasibility
    is_told = tells_relaxations(found)
    what = "this limit cannot be met" if len(found.conflicts) == 1 else "these limits contradict each other"
    lines = [Text(f"INFEASIBLE: {what}.", style="bold")]
    lines += [_limit_line(limit, _alone(limit, is_told)) for limit in found.conflicts]
    is_known = is_told or any(limit.HasField("relaxed_bound") for limit in found.conflicts)
    lines.append(Text(way_out(found) if is_known else "Loosen one or several of the limits."))
    jointly = together(found)
    if jointly:
        lines.append(Text("With all of these together there is a solution:", style="bold"))
        lines += [_limit_line(limit, f"; relaxed to {enough(limit)}") for limit in jointly]
    return Group(*lines)


def _limit_line(limit: portfolio_pb2.ConflictingLimit, rest: str) -> Text:
    field = client_field(limit)
    return Text.assemble("  ", (f"{field}: " if field else "", "bold"), limit_in_words(limit), rest)


def _alone(limit: portfolio_pb2.ConflictingLimit, is_told: bool) -> str:
    """Return what loosening this limit alone does; nothing where the proposal does not tell."""
    if limit.HasField("relaxed_bound"):
        return f"; with {enough(limit)} there is a solution"
    if limit.relaxation_not_sought:
        return "; whether it is enough alone was not computed"
    return "; loosening it alone is not enough" if is_told else ""
