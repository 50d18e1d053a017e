"""Values to messages and back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from fiducia.type.v1 import risk_pb2
from google.type import date_pb2, decimal_pb2, money_pb2
from hypothesis import given
from hypothesis import strategies as st

from services.orchestrator.money import Money
from services.orchestrator.wire_values import (
    date_message,
    date_of,
    decimal_message,
    decimal_of,
    enum_name,
    enum_value,
    money_message,
    money_of,
)


@given(st.decimals(-(10**13), 10**13, places=9))
def test_money_to_a_message_and_back_is_the_identity(amount: Decimal) -> None:
    money = Money("USD", amount)

    assert money_of(money_message(money)) == money


@pytest.mark.parametrize(("units", "nanos"), [(1, -1), (-1, 1), (0, 1_000_000_000), (0, -1_000_000_000)])
def test_money_with_impossible_nanos_is_refused(units: int, nanos: int) -> None:
    with pytest.raises(ValueError, match="nanos"):
        money_of(money_pb2.Money(currency_code="USD", units=units, nanos=nanos))


@given(st.decimals(-(10**9), 10**9, places=6))
def test_decimals_to_a_message_and_back_are_the_identity(value: Decimal) -> None:
    assert decimal_of(decimal_message(value)) == value


@pytest.mark.parametrize("text", ["", "x", "1,5", "NaN", "Infinity", "-inf", "1" * 41])
def test_other_texts_are_no_decimals(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        decimal_of(decimal_pb2.Decimal(value=text))


@given(st.dates())
def test_days_to_a_message_and_back_are_the_identity(day: date) -> None:
    assert date_of(date_message(day)) == day


def test_a_part_of_a_date_is_refused() -> None:
    with pytest.raises(ValueError, match="month"):
        date_of(date_pb2.Date(year=2026))


def test_enum_names_stand_without_prefix_and_unspecified_is_none() -> None:
    assert enum_value(risk_pb2.RiskLevel, "RISK_LEVEL", "R3") == risk_pb2.RISK_LEVEL_R3
    assert enum_value(risk_pb2.RiskLevel, "RISK_LEVEL", None) == risk_pb2.RISK_LEVEL_UNSPECIFIED
    assert [enum_name(risk_pb2.RiskLevel, "RISK_LEVEL", number) for number in (3, 0, 99)] == ["R3", None, None]
