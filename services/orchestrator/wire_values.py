"""Small values between messages and domain objects: money, days, decimals, words, enum names."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from fiducia.type.v1 import text_pb2
from google.type import date_pb2, decimal_pb2, money_pb2

from services.orchestrator.money import Money
from services.orchestrator.text import Text
from shared.assumptions import LocalText

# The stubs show an enum as a class, the runtime makes it a wrapper object; no type fits both.
Enum = Any

_NANOS = Decimal(10**9)
_MAX_NANOS = 999_999_999
# Longer texts than any sum of money needs are not worth parsing.
_MAX_DECIMAL = 40


def money_message(money: Money) -> money_pb2.Money:
    """Return money as a message; below a billionth of a unit it is cut off."""
    units = int(money.amount)
    nanos = int((money.amount - units) * _NANOS)
    return money_pb2.Money(currency_code=money.currency, units=units, nanos=nanos)


def money_of(message: money_pb2.Money) -> Money:
    """Return a message as money. Raises ValueError where nanos are out of range or signs differ."""
    if abs(message.nanos) > _MAX_NANOS:
        raise ValueError(f"nanos {message.nanos}, expected -999,999,999 to 999,999,999")
    if message.units * message.nanos < 0:
        raise ValueError("units and nanos have different signs")
    return Money(message.currency_code, Decimal(message.units) + Decimal(message.nanos) / _NANOS)


def decimal_message(value: Decimal) -> decimal_pb2.Decimal:
    """Return a decimal number as a message."""
    return decimal_pb2.Decimal(value=format(value, "f"))


def decimal_of(message: decimal_pb2.Decimal) -> Decimal:
    """Return a message as a decimal number. Raises ValueError for any other text."""
    try:
        value = Decimal(message.value) if len(message.value) <= _MAX_DECIMAL else Decimal("NaN")
    except InvalidOperation as error:
        raise ValueError(f"found {message.value!r}, expected a decimal number such as 12.5") from error
    if not value.is_finite():
        raise ValueError(f"found {message.value[:_MAX_DECIMAL]!r}, expected a finite number of at most 40 characters")
    return value


def date_message(day: date) -> date_pb2.Date:
    """Return a day as a message."""
    return date_pb2.Date(year=day.year, month=day.month, day=day.day)


def date_of(message: date_pb2.Date) -> date:
    """Return a whole date. Raises ValueError for a part of one."""
    return date(message.year, message.month, message.day)


def text_message(text: Text) -> text_pb2.LocalText:
    """Return words as a message."""
    return text_pb2.LocalText(en=text.en, zh=text.zh)


def entry_text(text: LocalText) -> text_pb2.LocalText:
    """Return words of the knowledge base as a message."""
    return text_pb2.LocalText(en=text.en, zh=text.zh or "")


def enum_value(enum: Enum, prefix: str, name: str | None) -> Any:
    """Return the number of `prefix` + `name`; None gives the unspecified value."""
    return enum.Value(f"{prefix}_{name or 'UNSPECIFIED'}")


def enum_name(enum: Enum, prefix: str, number: int) -> str | None:
    """Return a value's name without prefix; None for the unspecified value and numbers that are not defined."""
    if number == 0 or number not in enum.values():
        return None
    return str(enum.Name(number)).removeprefix(f"{prefix}_")
