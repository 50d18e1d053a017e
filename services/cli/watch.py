"""Follow a proposal as it is made; a dropped stream is taken up again where it stopped."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import grpc
from fiducia.advisor.v1 import advisor_service_pb2, client_pb2, proposal_pb2

from services.cli.connect import Advisor
from services.cli.errors import FAULT, CliError

# A proposal whose model is slow: 8 segments at a minute each, with room.
_STREAM_SECONDS = 1800.0
_ATTEMPTS = 5
_PAUSE_SECONDS = 1.0


async def make_proposal(
    stub: Advisor, situation: client_pb2.ClientSituation, index_snapshot: str = ""
) -> AsyncIterator[proposal_pb2.ProposalEvent]:
    """Start a proposal and yield its events up to the completed one.

    The request id makes a repeated start the same proposal, so that nothing is made twice.
    """
    create = advisor_service_pb2.CreateProposalRequest(
        request_id=str(uuid.uuid4()), situation=situation, index_snapshot=index_snapshot
    )
    async for event in follow(stub, advisor_service_pb2.StreamProposalRequest(create=create)):
        yield event


async def resume_proposal(stub: Advisor, proposal_id: str, after: int) -> AsyncIterator[proposal_pb2.ProposalEvent]:
    """Yield the events of a proposal behind the given one, up to the completed one."""
    resume = advisor_service_pb2.ResumeProposal(proposal_id=proposal_id, after_sequence=after)
    async for event in follow(stub, advisor_service_pb2.StreamProposalRequest(resume=resume)):
        yield event


async def follow(
    stub: Advisor, request: advisor_service_pb2.StreamProposalRequest
) -> AsyncIterator[proposal_pb2.ProposalEvent]:
    """Yield events until the completed one; after an outage ask for what comes behind the last one seen."""
    failures = 0
    while True:
        try:
            async for response in stub.StreamProposal(request, timeout=_STREAM_SECONDS):
                event = response.event
                failures = 0
                yield event
                if event.HasField("completed"):
                    return
                request = _behind(event)
            raise CliError("the stream of the proposal ended before the proposal was whole", FAULT)
        except grpc.aio.AioRpcError as error:
            failures += 1
            if error.code() != grpc.StatusCode.UNAVAILABLE or failures == _ATTEMPTS:
                raise
            await asyncio.sleep(_PAUSE_SECONDS)


def _behind(event: proposal_pb2.ProposalEvent) -> advisor_service_pb2.StreamProposalRequest:
    resume = advisor_service_pb2.ResumeProposal(proposal_id=event.proposal_id, after_sequence=event.sequence)
    return advisor_service_pb2.StreamProposalRequest(resume=resume)
