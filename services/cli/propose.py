"""Make a proposal, and show each part as soon as it is known; the model is waited for only before text is written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from fiducia.advisor.v1 import client_pb2, proposal_pb2
from rich.console import Console
from rich.text import Text

from services.cli.connect import Advisor
from services.cli.deploy import Deployment
from services.cli.model_wait import await_model, is_model_up
from services.cli.sections import Printer
from services.cli.terminal import waiting
from services.cli.watch import make_proposal, resume_proposal

_EARLY = "begun before the model was ready"


@dataclass(frozen=True)
class Making:
    """What it takes to make a proposal and to show it.

    meanwhile: called with the portfolio where the model is still awaited, to begin what needs the processor: while
               text is written that would slow the model down until its pieces time out.
    """

    console: Console
    deployment: Deployment
    stub: Advisor
    printer: Printer
    meanwhile: Callable[[proposal_pb2.Recommendation], None]


async def propose(making: Making, situation: client_pb2.ClientSituation) -> proposal_pb2.Proposal:
    """Return the whole proposal, after everything of it has been shown."""
    if await is_model_up(making.deployment):
        return await _show_all(making, make_proposal(making.stub, situation))
    first = await _numbers_first(making, situation)
    if first.HasField("completed"):
        return first.completed
    with waiting(making.console, "waiting for the model") as update:
        missing = await await_model(making.deployment, update)
    if not missing:
        return await _show_all(making, make_proposal(making.stub, situation))
    note = f"There is no model: {missing}\nThe text comes from templates and is marked so; no number depends on it."
    making.console.print(Text(note, style="yellow"))
    return await _show_all(making, resume_proposal(making.stub, first.proposal_id, first.sequence))


async def _numbers_first(making: Making, situation: client_pb2.ClientSituation) -> proposal_pb2.ProposalEvent:
    """Show profile, universe and portfolio, and return the event up to which the proposal was shown.

    Text that is written meanwhile comes from templates, so it stays in the record, and a second proposal with the
    model's text follows. Its portfolio must be the same.
    """
    early = client_pb2.ClientSituation()
    early.CopyFrom(situation)
    early.reference = f"{situation.reference} ({_EARLY})".strip()
    is_recommended = False
    with waiting(making.console, "asking the orchestrator") as update:
        async for event in make_proposal(making.stub, early):
            making.printer.show(event, update)
            if event.HasField("recommendation_computed"):
                making.meanwhile(event.recommendation_computed)
            is_recommended = is_recommended or event.HasField("recommendation_computed")
            if event.HasField("completed") or (is_recommended and event.HasField("facts_recorded")):
                return event
    raise AssertionError("a stream of events ends with the completed one or an error")


async def _show_all(making: Making, events: AsyncIterator[proposal_pb2.ProposalEvent]) -> proposal_pb2.Proposal:
    with waiting(making.console, "asking the orchestrator") as update:
        async for event in events:
            making.printer.show(event, update)
            if event.HasField("completed"):
                return event.completed
    raise AssertionError("a stream of events ends with the completed one or an error")
