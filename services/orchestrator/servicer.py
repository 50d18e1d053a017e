"""AdvisorService: what advisor applications call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import grpc
from fiducia.advice.v1 import advice_service_pb2, segment_pb2
from fiducia.advisor.v1 import advisor_service_pb2 as pb
from fiducia.advisor.v1 import advisor_service_pb2_grpc, client_pb2

from services.orchestrator.ask import answer_question, asked_question
from services.orchestrator.catalogue.load import Catalogue
from services.orchestrator.desk import Desk
from services.orchestrator.ports import Upstream
from services.orchestrator.products import product_named, product_page, questionnaire_named
from services.orchestrator.records.journal import Journal
from services.orchestrator.records.pages import position_of, token_of
from services.orchestrator.records.store import ProposalKey
from services.orchestrator.wire_facts import fact_message
from services.orchestrator.wire_products import product_message, questionnaire_message
from services.orchestrator.wire_requests import (
    parse_create,
    parse_language,
    parse_name,
    parse_page_size,
    parse_product_filter,
    parse_resume,
    request_key,
)
from services.orchestrator.writing import Abstention
from shared.errors import InvalidRequest

# Rows carry the tenant from the first version on; until callers are known there is one.
_TENANT = "default"
_PRODUCTS = "products"


class AdvisorServicer(advisor_service_pb2_grpc.AdvisorServiceServicer):
    """Parses requests, asks the desk, the journal and the catalogue, and writes their answers as messages."""

    def __init__(self, catalogue: Callable[[], Catalogue], journal: Journal, desk: Desk, upstream: Upstream) -> None:
        self._catalogue = catalogue
        self._journal = journal
        self._desk = desk
        self._upstream = upstream

    async def GetQuestionnaire(
        self, request: pb.GetQuestionnaireRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetQuestionnaireResponse:
        """Return the newest questionnaire or the one named."""
        language = parse_language(request.language)
        questionnaire = questionnaire_named(self._catalogue(), request.questionnaire_id)
        return pb.GetQuestionnaireResponse(questionnaire=questionnaire_message(questionnaire, language))

    async def GetProduct(
        self, request: pb.GetProductRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetProductResponse:
        """Return one product."""
        catalogue = self._catalogue()
        product = product_named(catalogue, parse_name("product_id", request.product_id))
        return pb.GetProductResponse(product=product_message(product, catalogue), catalogue=catalogue.digest)

    async def ListProducts(
        self, request: pb.ListProductsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListProductsResponse:
        """Return products by identifier, page by page."""
        catalogue = self._catalogue()
        only, size = parse_product_filter(request, catalogue)
        page = product_page(catalogue, only, size, position_of(_PRODUCTS, request.page_token) or "")
        return pb.ListProductsResponse(
            products=[product_message(product, catalogue) for product in page.products],
            next_page_token=token_of(_PRODUCTS, page.next_after) if page.next_after else "",
            total_size=page.total,
            catalogue=catalogue.digest,
        )

    async def CreateProposal(
        self, request: pb.CreateProposalRequest, context: grpc.aio.ServicerContext
    ) -> pb.CreateProposalResponse:
        """Start a proposal and return at once."""
        key = await self._created(request)
        return pb.CreateProposalResponse(proposal=await self._journal.get(key))

    async def StreamProposal(
        self, request: pb.StreamProposalRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[pb.StreamProposalResponse]:
        """Start a proposal or attach to one, and stream its events up to the whole proposal."""
        key, after = await self._attached(request)
        async for event in self._journal.follow(key, after):
            yield pb.StreamProposalResponse(event=event)

    async def GetProposal(
        self, request: pb.GetProposalRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetProposalResponse:
        """Return one proposal as it stands."""
        key = ProposalKey(_TENANT, parse_name("proposal_id", request.proposal_id))
        return pb.GetProposalResponse(proposal=await self._journal.get(key))

    async def ListProposals(
        self, request: pb.ListProposalsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListProposalsResponse:
        """Return proposals, newest first, without texts and facts."""
        size = parse_page_size(request.page_size)
        proposals, token = await self._journal.page(_TENANT, size, request.page_token)
        return pb.ListProposalsResponse(proposals=proposals, next_page_token=token)

    async def AskQuestion(
        self, request: pb.AskQuestionRequest, context: grpc.aio.ServicerContext
    ) -> pb.AskQuestionResponse:
        """Answer a question with sources, or abstain."""
        catalogue = self._catalogue()
        known = tuple(sorted(catalogue.packs))
        question = asked_question(request.question, request.language, request.jurisdiction, known)
        reply = await answer_question(question, catalogue, self._upstream)
        if isinstance(reply.outcome, Abstention):
            abstention = advice_service_pb2.Abstention(reason=reply.outcome.reason)
            return pb.AskQuestionResponse(abstention=abstention, index_snapshot=reply.index_snapshot)
        segments = [segment_pb2.Segment.FromString(segment.message) for segment in reply.outcome]
        answer = client_pb2.Answer(segments=segments, facts=[fact_message(fact) for fact in reply.facts])
        return pb.AskQuestionResponse(answer=answer, index_snapshot=reply.index_snapshot)

    async def _attached(self, request: pb.StreamProposalRequest) -> tuple[ProposalKey, int]:
        match request.WhichOneof("start"):
            case "create":
                return await self._created(request.create, "create."), 0
            case "resume":
                proposal_id, after = parse_resume(request.resume)
                return ProposalKey(_TENANT, proposal_id), after
            case _:
                raise InvalidRequest.of(
                    "start", "is missing; set create to start a proposal or resume to attach to one"
                )

    async def _created(self, request: pb.CreateProposalRequest, prefix: str = "") -> ProposalKey:
        same = request_key(request, prefix)
        # First, because a repeated request is answered as before even if the catalogue has changed or there is no room.
        earlier = await self._journal.earlier(_TENANT, same.request_id, same.digest)
        if earlier is not None:
            return earlier
        application, order = parse_create(request, _TENANT, self._catalogue(), prefix)
        return await self._desk.open(application, order)
