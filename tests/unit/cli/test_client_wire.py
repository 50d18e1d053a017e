"""A client file as a message, and complaints about the message as paths of the file."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from fiducia.advisor.v1 import client_pb2
from fiducia.type.v1 import risk_pb2
from hypothesis import given
from hypothesis import strategies as st

from services.cli.client_file import ClientFile
from services.cli.client_read import read_client_file
from services.cli.client_wire import file_problem, to_situation
from services.cli.format import amount

FAMILY = read_client_file(Path("examples/clients/family-us.yaml"))


def test_the_family_becomes_a_situation() -> None:
    situation = to_situation(FAMILY)

    assert situation.goal.kind == client_pb2.GOAL_KIND_RETIREMENT
    assert situation.holdings[0].product_id == "QQQ"
    assert situation.holdings[0].price.units == 480
    assert situation.holdings[3].external.risk_level == risk_pb2.RISK_LEVEL_R3
    assert situation.holdings[3].external.expense_ratio == 0.0085
    assert (situation.holdings[3].price.units, situation.holdings[3].price.nanos) == (21, 400_000_000)
    assert situation.cash.currency_code == "USD"
    assert not situation.preferences.HasField("max_turnover")


@given(st.decimals(min_value=0, max_value=10**12, places=2))
def test_no_cent_is_lost(cash: Decimal) -> None:
    client = ClientFile.model_validate({**FAMILY.model_dump(exclude={"holdings", "cash"}), "cash": f"{cash}"})

    assert amount(to_situation(client).cash) == cash


@pytest.mark.parametrize(
    ("field", "path"),
    [
        ("situation.goal.kind", "goal.purpose"),
        ("create.situation.holdings[1].product_id", "holdings[1].product"),
        ("situation.holdings[3].external.asset_class", "holdings[3].external.asset_class"),
        ("situation.questionnaire.answers[0].option_id", "questionnaire.answers.horizon"),
        ("situation.questionnaire.answers", "questionnaire.answers"),
        ("situation.questionnaire.questionnaire_id", "questionnaire.id"),
        ("situation.preferences.excluded_product_ids[2]", "preferences.excluded_products[2]"),
        ("situation.preferences.required_products[0].product_id", "preferences.required_products[0].product"),
    ],
)
def test_a_complaint_names_the_field_of_the_file(field: str, path: str) -> None:
    assert file_problem(field, "wrong", FAMILY).field == path
