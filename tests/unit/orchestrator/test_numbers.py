"""How numbers read in English and Chinese."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from services.orchestrator.facts.fact import Quantity
from services.orchestrator.money import Money
from services.orchestrator.numbers import day_text, money_text, quantity_text
from services.orchestrator.text import Text


@pytest.mark.parametrize(
    ("quantity", "decimals", "expected"),
    [
        (Quantity(0.0512, "PERCENT"), 1, Text("5.1%", "5.1%")),
        (Quantity(0.0003, "PERCENT"), 2, Text("0.03%", "0.03%")),
        (Quantity(-0.123, "PERCENT"), 1, Text("−12.3%", "−12.3%")),
        (Quantity(-0.0001, "PERCENT"), 1, Text("0.0%", "0.0%")),
        (Quantity(0.95, "PERCENT"), 0, Text("95%", "95%")),
        (Quantity(0.01, "PERCENT_POINT"), 1, Text("1.0 percentage point", "1.0个百分点")),
        (Quantity(-0.045, "PERCENT_POINT"), 1, Text("−4.5 percentage points", "−4.5个百分点")),
        (Quantity(1.0, "YEARS"), 1, Text("1 year", "1年")),
        (Quantity(7.5, "YEARS"), 1, Text("7.5 years", "7.5年")),
        (Quantity(63.0, "COUNT"), 1, Text("63", "63")),
        (Quantity(41.6666, "SCORE"), 1, Text("41.7", "41.7")),
    ],
)
def test_a_quantity_reads_with_its_unit(quantity: Quantity, decimals: int, expected: Text) -> None:
    assert quantity_text(quantity, decimals) == expected


@pytest.mark.parametrize(
    ("currency", "amount", "expected"),
    [
        ("USD", "12345.67", "US$12,346"),
        ("USD", "999.99", "US$999.99"),
        ("CNY", "1234567.5", "¥1,234,568"),
        ("CNY", "345.6", "¥345.60"),
        ("USD", "-2067.10", "−US$2,067"),
    ],
)
def test_money_carries_its_sign_and_drops_cents_from_a_thousand_on(currency: str, amount: str, expected: str) -> None:
    assert money_text(Money(currency, Decimal(amount))) == Text(expected, expected)


def test_a_day_reads_as_people_write_it() -> None:
    assert day_text(date(2026, 11, 1)) == Text("November 1, 2026", "2026年11月1日")
