"""A front door that answers from samples, and misbehaves where it is told to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import grpc
from fiducia.advice.v1 import advice_service_pb2
from fiducia.advisor.v1 import advisor_service_pb2, advisor_service_pb2_grpc, client_pb2, proposal_pb2
from fiducia.type.v1 import risk_pb2

from shared.errors import FieldViolation, InvalidRequest, NotFound, UpstreamUnavailable
from tests.unit.cli import samples

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class FakeAdvisor(advisor_service_pb2_grpc.AdvisorServiceServicer):
    """Streams the events of one proposal; `drop_after` ends the first stream behind that many events."""

    def __init__(self, drop_after: int | None = None) -> None:
        self.drop_after = drop_after
        self.requests: list[advisor_service_pb2.StreamProposalRequest] = []
        self.violations: list[FieldViolation] = []

    async def StreamProposal(
        self, request: advisor_service_pb2.StreamProposalRequest, context: Context
    ) -> AsyncIterator[advisor_service_pb2.StreamProposalResponse]:
        self.requests.append(request)
        if self.violations:
            raise InvalidRequest(self.violations)
        for event in events():
            if event.sequence <= request.resume.after_sequence:
                continue
            if len(self.requests) == 1 and event.sequence - 1 == self.drop_after:
                await context.abort(grpc.StatusCode.UNAVAILABLE, "the connection is gone")
            yield advisor_service_pb2.StreamProposalResponse(event=event)

    async def CreateProposal(
        self, request: advisor_service_pb2.CreateProposalRequest, context: Context
    ) -> advisor_service_pb2.CreateProposalResponse:
        return advisor_service_pb2.CreateProposalResponse(proposal=samples.proposal())

    async def GetProposal(
        self, request: advisor_service_pb2.GetProposalRequest, context: Context
    ) -> advisor_service_pb2.GetProposalResponse:
        if request.proposal_id != "p-1":
            raise NotFound(f"there is no proposal {request.proposal_id}; list them with ListProposals")
        return advisor_service_pb2.GetProposalResponse(proposal=samples.proposal())

    async def ListProposals(
        self, request: advisor_service_pb2.ListProposalsRequest, context: Context
    ) -> advisor_service_pb2.ListProposalsResponse:
        return advisor_service_pb2.ListProposalsResponse(proposals=[samples.proposal()])

    async def GetProduct(
        self, request: advisor_service_pb2.GetProductRequest, context: Context
    ) -> advisor_service_pb2.GetProductResponse:
        return advisor_service_pb2.GetProductResponse(
            product=samples.product(request.product_id, risk_pb2.RISK_LEVEL_R2)
        )

    async def ListProducts(
        self, request: advisor_service_pb2.ListProductsRequest, context: Context
    ) -> advisor_service_pb2.ListProductsResponse:
        products = [samples.product("BND", risk_pb2.RISK_LEVEL_R2), samples.product("SOXX", risk_pb2.RISK_LEVEL_R5)]
        return advisor_service_pb2.ListProductsResponse(products=products, total_size=2, catalogue="ef" * 32)

    async def GetQuestionnaire(
        self, request: advisor_service_pb2.GetQuestionnaireRequest, context: Context
    ) -> advisor_service_pb2.GetQuestionnaireResponse:
        options = [
            client_pb2.QuestionOption(id="none", text="No loss"),
            client_pb2.QuestionOption(id="big", text="A lot"),
        ]
        question = client_pb2.Question(id="loss", text="Which loss?", options=options)
        found = client_pb2.Questionnaire(id="standard-2026-11", language="en", questions=[question])
        return advisor_service_pb2.GetQuestionnaireResponse(questionnaire=found)

    async def AskQuestion(
        self, request: advisor_service_pb2.AskQuestionRequest, context: Context
    ) -> advisor_service_pb2.AskQuestionResponse:
        if "weather" in request.question:
            reason = "The knowledge base says nothing about it."
            return advisor_service_pb2.AskQuestionResponse(abstention=advice_service_pb2.Abstention(reason=reason))
        if "outage" in request.question:
            raise UpstreamUnavailable("retrieval", "connection refused")
        answer = client_pb2.Answer(segments=[samples.segment("Prices fall when yields rise. [1]")])
        return advisor_service_pb2.AskQuestionResponse(answer=answer)


def events() -> list[proposal_pb2.ProposalEvent]:
    whole = samples.proposal()
    contents = [
        {"created": proposal_pb2.Proposal(id="p-1")},
        {"stage_started": proposal_pb2.PROPOSAL_STAGE_PROFILE},
        {"profile_scored": whole.profile},
        {"universe_selected": whole.universe},
        {"recommendation_computed": whole.recommendation},
        {"facts_recorded": proposal_pb2.FactsRecorded(facts=whole.facts)},
        *({"segment_verified": segment} for segment in whole.segments),
        {"findings_recorded": proposal_pb2.FindingsRecorded(findings=whole.findings)},
        {"completed": whole},
    ]
    return [
        proposal_pb2.ProposalEvent(proposal_id="p-1", sequence=number, **content)  # type: ignore[arg-type]
        for number, content in enumerate(contents, start=1)
    ]


def register(advisor: FakeAdvisor, server: grpc.aio.Server) -> None:
    advisor_service_pb2_grpc.add_AdvisorServiceServicer_to_server(advisor, server)
