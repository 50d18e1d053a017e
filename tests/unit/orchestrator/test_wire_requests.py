"""Requests: everything wrong with one is said at once, with the path of each field."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fiducia.advice.v1 import advice_service_pb2
from fiducia.advisor.v1 import advisor_service_pb2 as pb
from fiducia.advisor.v1 import client_pb2
from fiducia.type.v1 import risk_pb2

from services.orchestrator.wire_requests import (
    parse_create,
    parse_page_size,
    parse_product_filter,
    parse_resume,
    request_key,
)
from shared.errors import InvalidRequest
from tests.integration.orchestrator.kit import create_request, shipped_catalogue, situation

Change = Callable[[client_pb2.ClientSituation], object]


def refused_fields(request: pb.CreateProposalRequest, prefix: str = "") -> set[str]:
    with pytest.raises(InvalidRequest) as refused:
        parse_create(request, "default", shipped_catalogue(), prefix)
    return {violation.field for violation in refused.value.violations}


def test_a_whole_situation_is_accepted_as_it_is() -> None:
    def holds(message: client_pb2.ClientSituation) -> None:
        fund = message.holdings.add(product_id="VTI")
        fund.units.value, fund.price.currency_code, fund.price.units = "12.5", "USD", 300
        other = message.holdings.add()
        other.external.name, other.external.asset_class, other.external.risk_level = (
            "Old fund",
            "us_large_equity",
            risk_pb2.RISK_LEVEL_R3,
        )
        other.value.currency_code, other.value.units = "USD", 5_000
        message.preferences.max_turnover = 0.0

    request = pb.CreateProposalRequest(
        situation=situation(change=holds), index_snapshot="a" * 64, strictness=advice_service_pb2.STRICTNESS_FREE_WORDS
    )

    application, order = parse_create(request, "default", shipped_catalogue())

    fund, other = order.situation.holdings
    assert (str(fund.units), str(fund.price.amount if fund.price else "")) == ("12.5", "300")
    assert other.external is not None
    assert (other.external.risk_level, other.external.expense_ratio) == ("R3", None)
    # Zero is a value of its own: no trades at all.
    assert (order.situation.preferences.max_turnover, order.situation.preferences.max_volatility) == (0.0, None)
    assert (order.index_snapshot, order.strictness) == ("a" * 64, "FREE_WORDS")
    assert application.situation == request.situation


def bad_cash(message: client_pb2.ClientSituation) -> None:
    message.cash.nanos = -1


def bad_units(message: client_pb2.ClientSituation) -> None:
    holding = message.holdings.add(product_id="VTI")
    holding.units.value, holding.price.currency_code, holding.price.units = "twelve", "USD", 1


def bad_level(message: client_pb2.ClientSituation) -> None:
    external = message.holdings.add().external
    external.name, external.asset_class, external.risk_level = "Old", "us_large_equity", 9  # type: ignore[assignment]
    message.holdings[0].value.currency_code, message.holdings[0].value.units = "USD", 1


def bad_goal(message: client_pb2.ClientSituation) -> None:
    message.goal.kind = 99  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (bad_cash, "situation.cash"),
        (bad_units, "situation.holdings[0].units"),
        (bad_level, "situation.holdings[0].external.risk_level"),
        (bad_goal, "situation.goal.kind"),
        (lambda message: message.ClearField("questionnaire"), "situation.questionnaire.answers"),
        (lambda message: message.holdings.add(), "situation.holdings[0].product_id"),
    ],
)
def test_each_fault_is_said_once_with_its_path(change: Change, field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_create(pb.CreateProposalRequest(situation=situation(change=change)), "default", shipped_catalogue())

    fields = [violation.field for violation in refused.value.violations]
    assert field in fields
    assert fields.count(field) == 1 or field.endswith("answers")


def test_all_faults_are_said_at_once_under_the_path_of_the_outer_request() -> None:
    request = pb.CreateProposalRequest(index_snapshot="newest", strictness=9)  # type: ignore[arg-type]
    request.situation.jurisdiction = "FR"

    fields = refused_fields(request, "create.")

    assert {"create.index_snapshot", "create.strictness", "create.situation.jurisdiction"} <= fields
    assert all(field.startswith("create.") for field in fields)


def test_a_request_without_a_client_is_refused() -> None:
    assert refused_fields(pb.CreateProposalRequest()) == {"situation"}


@pytest.mark.parametrize("request_id", ["1", "not-a-uuid", "6f1c1d2e-9f7b-4a36-8b7e-0d3f6a1b2c3", " "])
def test_a_request_id_is_a_uuid(request_id: str) -> None:
    assert refused_fields(pb.CreateProposalRequest(request_id=request_id)) == {"request_id"}


def test_the_body_and_not_the_spelling_of_the_id_makes_requests_the_same() -> None:
    low = request_key(create_request(request_id="6f1c1d2e-9f7b-4a36-8b7e-0d3f6a1b2c3d"))
    high = request_key(create_request(request_id="6F1C1D2E-9F7B-4A36-8B7E-0D3F6A1B2C3D"))
    other = request_key(create_request("cautious", request_id="6f1c1d2e-9f7b-4a36-8b7e-0d3f6a1b2c3d"))

    assert low == high
    assert low.request_id == other.request_id
    assert low.digest != other.digest


def test_resuming_needs_a_proposal_and_a_number() -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_resume(pb.ResumeProposal(after_sequence=-1))

    fields = [violation.field for violation in refused.value.violations]
    assert fields == ["resume.proposal_id", "resume.after_sequence"]


@pytest.mark.parametrize("size", [-1, 201])
def test_pages_have_a_size_within_bounds(size: int) -> None:
    with pytest.raises(InvalidRequest, match="page_size"):
        parse_page_size(size)


def test_a_product_list_names_every_fault() -> None:
    request = pb.ListProductsRequest(page_size=999, jurisdiction="FR", max_risk_level=9)  # type: ignore[arg-type]

    with pytest.raises(InvalidRequest) as refused:
        parse_product_filter(request, shipped_catalogue())

    assert [v.field for v in refused.value.violations] == ["page_size", "jurisdiction", "max_risk_level"]
