"""Products, questionnaires and questions over real gRPC."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import pytest
from fiducia.advisor.v1 import advisor_service_pb2 as service
from fiducia.advisor.v1 import product_pb2
from fiducia.type.v1 import risk_pb2

from shared.status import reason_of, violations_of
from tests.fakes import INDEX, POISON, FakeAdvice, FakeRetrieval, Fakes
from tests.integration.orchestrator.kit import SECONDS, Advisor, advisor, shipped_catalogue


async def listed(running: Advisor, **fields: Any) -> list[product_pb2.Product]:
    """Return the products of all pages."""
    found: list[product_pb2.Product] = []
    token = ""
    while True:
        page = await running.stub.ListProducts(service.ListProductsRequest(page_token=token, **fields), timeout=SECONDS)
        found += page.products
        token = page.next_page_token
        if not token:
            assert len(found) == page.total_size
            return found


async def test_every_product_is_listed_once_in_order(tmp_path: Path) -> None:
    async with advisor(tmp_path, Fakes().upstream) as running:
        products = await listed(running, page_size=7)

    assert [product.id for product in products] == sorted(shipped_catalogue().products)


async def test_products_are_filtered_by_country_and_level(tmp_path: Path) -> None:
    async with advisor(tmp_path, Fakes().upstream) as running:
        calm = await listed(running, jurisdiction="CN", max_risk_level=risk_pb2.RISK_LEVEL_R2)

    assert calm
    assert all("CN" in product.jurisdictions for product in calm)
    assert {product.risk_level.level for product in calm} <= {risk_pb2.RISK_LEVEL_R1, risk_pb2.RISK_LEVEL_R2}


async def test_a_product_states_where_each_value_comes_from_and_what_is_unknown(tmp_path: Path) -> None:
    entry = shipped_catalogue().products["BND"]
    assert entry.expense_ratio is not None
    async with advisor(tmp_path, Fakes().upstream) as running:
        response = await running.stub.GetProduct(service.GetProductRequest(product_id="BND"), timeout=SECONDS)

    product, fee = response.product, response.product.expense_ratio
    assert response.catalogue == shipped_catalogue().digest
    assert fee.value == entry.expense_ratio.value
    assert fee.provenance.verified == entry.expense_ratio.verified
    assert "2021" in fee.provenance.source
    assert (fee.provenance.as_of.year, fee.provenance.as_of.month) == (2021, 6)
    assert product.HasField("minimum_investment") == (entry.minimum_investment is not None)
    assert product.risk_level.basis == product_pb2.RISK_LEVEL_BASIS_DERIVED
    assert not product.risk_level.HasField("provenance")
    assert [risk.en for risk in product.main_risks] == list(entry.main_risks.en)


async def test_the_newest_questionnaire_comes_in_the_language_asked_for_without_points(tmp_path: Path) -> None:
    async with advisor(tmp_path, Fakes().upstream) as running:
        ask = running.stub.GetQuestionnaire
        english = (await ask(service.GetQuestionnaireRequest(), timeout=SECONDS)).questionnaire
        chinese = (await ask(service.GetQuestionnaireRequest(language="zh"), timeout=SECONDS)).questionnaire

    assert english.id == chinese.id in shipped_catalogue().questionnaires
    assert [q.id for q in english.questions] == [q.id for q in chinese.questions]
    assert english.questions[0].text != chinese.questions[0].text
    assert (english.language, chinese.language) == ("en", "zh")


async def test_unknown_names_are_not_found_and_unknown_languages_refused(tmp_path: Path) -> None:
    async with advisor(tmp_path, Fakes().upstream) as running:
        calls: list[Any] = [
            running.stub.GetProduct(service.GetProductRequest(product_id="NOPE"), timeout=SECONDS),
            running.stub.GetQuestionnaire(service.GetQuestionnaireRequest(questionnaire_id="nope"), timeout=SECONDS),
            running.stub.GetProposal(service.GetProposalRequest(proposal_id="nope"), timeout=SECONDS),
            running.stub.GetProduct(service.GetProductRequest(), timeout=SECONDS),
            running.stub.GetQuestionnaire(service.GetQuestionnaireRequest(language="fr"), timeout=SECONDS),
        ]
        reasons = []
        for call in calls:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await call
            reasons.append(reason_of(refused.value))

    assert reasons == ["NOT_FOUND", "NOT_FOUND", "NOT_FOUND", "INVALID_REQUEST", "INVALID_REQUEST"]


async def test_an_answer_has_its_sources_and_the_snapshot_that_was_searched(tmp_path: Path) -> None:
    fakes = Fakes()
    async with advisor(tmp_path, fakes.upstream) as running:
        response = await running.stub.AskQuestion(
            service.AskQuestionRequest(question=" What is duration? "), timeout=SECONDS
        )

    (question,) = fakes.advice.questions
    assert (question.text, question.language) == ("What is duration?", "en")
    assert response.answer.segments[0].text
    assert response.index_snapshot == INDEX


@pytest.mark.parametrize(
    ("text", "language"), [("什么是久期？", "zh"), ("What is a QDII fund?", "en"), ("ETF是什么", "zh")]
)
async def test_the_answer_is_in_the_language_of_the_question(tmp_path: Path, text: str, language: str) -> None:
    fakes = Fakes()
    async with advisor(tmp_path, fakes.upstream) as running:
        await running.stub.AskQuestion(service.AskQuestionRequest(question=text), timeout=SECONDS)

    assert fakes.advice.questions[0].language == language


@pytest.mark.parametrize("fakes", [Fakes(retrieval=FakeRetrieval(empty=True)), Fakes(advice=FakeAdvice(abstains=True))])
async def test_without_a_source_there_is_an_abstention_with_its_reason(tmp_path: Path, fakes: Fakes) -> None:
    async with advisor(tmp_path, fakes.upstream) as running:
        response = await running.stub.AskQuestion(service.AskQuestionRequest(question="Why?"), timeout=SECONDS)

    assert response.WhichOneof("outcome") == "abstention"
    assert response.abstention.reason


async def test_words_that_command_a_model_do_not_reach_it_with_a_question(tmp_path: Path) -> None:
    fakes = Fakes(retrieval=FakeRetrieval(poisoned=frozenset({""})))
    async with advisor(tmp_path, fakes.upstream) as running:
        await running.stub.AskQuestion(service.AskQuestionRequest(question="Which fund?"), timeout=SECONDS)

    (question,) = fakes.advice.questions
    assert question.passages
    assert all(POISON.encode() not in citable.passage.message for citable in question.passages)


async def test_every_fault_of_a_question_is_named(tmp_path: Path) -> None:
    request = service.AskQuestionRequest(question="  ", language="fr", jurisdiction="FR")
    async with advisor(tmp_path, Fakes().upstream) as running:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await running.stub.AskQuestion(request, timeout=SECONDS)

    assert [field for field, _ in violations_of(refused.value)] == ["question", "language", "jurisdiction"]


@pytest.mark.parametrize(
    ("fakes", "name"),
    [(Fakes(retrieval=FakeRetrieval(down=True)), "retrieval"), (Fakes(advice=FakeAdvice(down=True)), "advice")],
)
async def test_an_outage_behind_a_question_is_unavailable_and_named(tmp_path: Path, fakes: Fakes, name: str) -> None:
    async with advisor(tmp_path, fakes.upstream) as running:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await running.stub.AskQuestion(service.AskQuestionRequest(question="Why?"), timeout=SECONDS)

    assert (refused.value.code(), reason_of(refused.value)) == (grpc.StatusCode.UNAVAILABLE, "UPSTREAM_UNAVAILABLE")
    assert name in (refused.value.details() or "")
