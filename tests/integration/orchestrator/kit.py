"""An orchestrator on loopback over the shipped knowledge base, and clients for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fiducia.advisor.v1 import advisor_service_pb2 as service
from fiducia.advisor.v1 import advisor_service_pb2_grpc, client_pb2
from fiducia.advisor.v1 import proposal_pb2 as pb

from services.orchestrator.catalogue.build import read_knowledge_base
from services.orchestrator.catalogue.load import Catalogue
from services.orchestrator.desk import Bounds, Desk
from services.orchestrator.ports import Upstream
from services.orchestrator.records.journal import Journal
from services.orchestrator.servicer import AdvisorServicer
from tests.serving import running
from tests.unit.orchestrator.records_kit import open_journal

KB = Path(__file__).parents[3] / "kb"
BOUNDS = Bounds(running=2, queued=4)
SECONDS = 30.0

# One consistent set of answers per temper, by question.
ANSWERS = {
    "cautious": "1_to_3y some variable 1_to_3m 50_to_75 standard income up_to_5 sell_some narrow uneasy "
    "money_or_bond_funds never related",
    "balanced": "7_to_15y little stable 3_to_12m 25_to_50 plans balanced up_to_15 wait moderate calm "
    "equity_funds 2_to_5y related",
    "contradictory": "7_to_15y little stable 3_to_12m 25_to_50 plans balanced none buy_more moderate calm "
    "equity_funds 2_to_5y related",
}


@cache
def shipped_catalogue() -> Catalogue:
    """Return the catalogue of the knowledge base in this repository."""
    return read_knowledge_base(KB)


def situation(
    temper: str = "balanced", change: Callable[[client_pb2.ClientSituation], object] | None = None
) -> client_pb2.ClientSituation:
    """Return a US client with cash to invest, after one change."""
    questions = next(iter(shipped_catalogue().questionnaires.values())).questions
    message = client_pb2.ClientSituation(
        reference="A-1",
        jurisdiction="US",
        base_currency="USD",
        language="en",
        goal=client_pb2.Goal(kind=client_pb2.GOAL_KIND_RETIREMENT, horizon_years=12),
    )
    message.cash.currency_code, message.cash.units = "USD", 100_000
    for question, option in zip(questions, ANSWERS[temper].split(), strict=True):
        message.questionnaire.answers.add(question_id=question.id, option_id=option)
    if change is not None:
        change(message)
    return message


def create_request(temper: str = "balanced", **fields: Any) -> service.CreateProposalRequest:
    """Return a request for a proposal."""
    return service.CreateProposalRequest(situation=situation(temper), **fields)


@dataclass(frozen=True)
class Advisor:
    """A running orchestrator: its client, and what a test may look into."""

    stub: advisor_service_pb2_grpc.AdvisorServiceAsyncStub
    journal: Journal
    desk: Desk

    async def events(self, request: service.StreamProposalRequest, most: int | None = None) -> list[pb.ProposalEvent]:
        """Stream to the end, or drop the stream after `most` events."""
        call = self.stub.StreamProposal(request, timeout=SECONDS)
        seen: list[pb.ProposalEvent] = []
        async for response in call:
            seen.append(response.event)
            if len(seen) == most:
                call.cancel()
                break
        return seen

    async def created(self, request: service.CreateProposalRequest) -> list[pb.ProposalEvent]:
        """Create and stream to the end."""
        return await self.events(service.StreamProposalRequest(create=request))

    async def resumed(self, proposal_id: str, after: int = 0) -> list[pb.ProposalEvent]:
        """Attach and stream to the end."""
        resume = service.ResumeProposal(proposal_id=proposal_id, after_sequence=after)
        return await self.events(service.StreamProposalRequest(resume=resume))

    async def get(self, proposal_id: str) -> pb.Proposal:
        """Return the proposal as it stands."""
        request = service.GetProposalRequest(proposal_id=proposal_id)
        return (await self.stub.GetProposal(request, timeout=SECONDS)).proposal


@asynccontextmanager
async def advisor(folder: Path, upstream: Upstream, bounds: Bounds = BOUNDS) -> AsyncIterator[Advisor]:
    """Serve the orchestrator with its record in this folder; leaving stops it like a process."""
    with open_journal(folder) as journal:
        desk = Desk(journal, upstream, bounds)
        await desk.fail_lost_work()
        servicer = AdvisorServicer(shipped_catalogue, journal, desk, upstream)
        try:
            async with running(
                lambda server: advisor_service_pb2_grpc.add_AdvisorServiceServicer_to_server(servicer, server)
            ) as channel:
                yield Advisor(advisor_service_pb2_grpc.AdvisorServiceStub(channel), journal, desk)
        finally:
            await desk.drain(0.0)


def kinds(events: list[pb.ProposalEvent]) -> list[str]:
    """Return the kind of each event, stages by name."""
    names = []
    for event in events:
        kind: str = event.WhichOneof("event") or ""
        if kind == "stage_started":
            kind = pb.ProposalStage.Name(event.stage_started).removeprefix("PROPOSAL_STAGE_")
        names.append(kind)
    return names
