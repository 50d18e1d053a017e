"""`fiducia proposals`: the recorded proposals, listed and shown."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from fiducia.advisor.v1 import advisor_service_pb2, proposal_pb2
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from services.cli.connect import CALL_SECONDS, advisor, find_deployment
from services.cli.format import client_class
from services.cli.proposal_file import to_json
from services.cli.sections import Printer, print_section
from services.cli.show_prose import show_findings, show_sources
from services.cli.show_state import show_outcome, show_state
from services.cli.terminal import open_console

_STATES = {
    proposal_pb2.PROPOSAL_STATE_DRAFTING: "in work",
    proposal_pb2.PROPOSAL_STATE_AWAITING_APPROVAL: "draft",
    proposal_pb2.PROPOSAL_STATE_BLOCKED: "blocked",
    proposal_pb2.PROPOSAL_STATE_INFEASIBLE: "infeasible",
    proposal_pb2.PROPOSAL_STATE_FAILED: "failed",
}


async def list_proposals(limit: int, address: str | None, *, as_json: bool) -> int:
    """Print the newest proposals."""
    async with advisor(await find_deployment(address)) as stub:
        request = advisor_service_pb2.ListProposalsRequest(page_size=limit)
        response = await stub.ListProposals(request, timeout=CALL_SECONDS)
    if as_json:
        sys.stdout.write(to_json(response))
    else:
        open_console().print(show_list(response.proposals))
    return 0


async def show_proposal(proposal_id: str, address: str | None, *, as_json: bool) -> int:
    """Print one proposal as `fiducia advise` showed it."""
    async with advisor(await find_deployment(address)) as stub:
        request = advisor_service_pb2.GetProposalRequest(proposal_id=proposal_id)
        proposal = (await stub.GetProposal(request, timeout=CALL_SECONDS)).proposal
    if as_json:
        sys.stdout.write(to_json(proposal))
    else:
        print_proposal(open_console(), proposal)
    return 0


def show_list(proposals: Sequence[proposal_pb2.Proposal]) -> RenderableType:
    """Return one line for each proposal, the newest first."""
    if not proposals:
        return Text("There are no proposals yet; `fiducia advise CLIENT.yaml` makes one.")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for column in ("Proposal", "Made (UTC)", "State", "Class"):
        table.add_column(column, no_wrap=True)
    table.add_column("Reference", ratio=1, overflow="fold")
    for proposal in proposals:
        made = proposal.create_time.ToDatetime().strftime("%Y-%m-%d %H:%M")
        table.add_row(
            proposal.id, made, _state(proposal), client_class(proposal.profile.client_class), _reference(proposal)
        )
    return table


def print_proposal(console: Console, proposal: proposal_pb2.Proposal) -> None:
    """Print a stored proposal in the order in which it was made."""
    language = proposal.situation.language
    printer = Printer(console, proposal.situation)
    event = proposal_pb2.ProposalEvent
    if proposal.HasField("profile"):
        printer.show(event(profile_scored=proposal.profile), _nothing)
    if proposal.HasField("universe"):
        printer.show(event(universe_selected=proposal.universe), _nothing)
    if proposal.HasField("recommendation"):
        printer.show(event(recommendation_computed=proposal.recommendation), _nothing)
    for segment in proposal.segments:
        printer.show(event(segment_verified=segment), _nothing)
    if proposal.HasField("recommendation"):
        print_section(console, "Sources", show_sources(proposal.segments))
        print_section(console, "Warnings", show_findings(proposal.findings, language))
        print_section(console, "State", show_state(proposal))
    else:
        print_section(console, "State", show_outcome(proposal, language))


def _nothing(_words: str) -> None:
    """Show no progress: everything is known."""


def _state(proposal: proposal_pb2.Proposal) -> str:
    return _STATES.get(proposal.state, "not stated")


def _reference(proposal: proposal_pb2.Proposal) -> Text:
    return Text(proposal.situation.reference)
