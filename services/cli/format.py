"""How values of the contract are written for people."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from fiducia.type.v1 import fact_pb2, risk_pb2, text_pb2
from google.type.date_pb2 import Date
from google.type.money_pb2 import Money

NOT_AVAILABLE = "not available"
_NANO = Decimal("1e-9")
_BLOCKS = " ▏▎▍▌▋▊▉"
_EIGHTHS = 8
_TENTHS = 1000  # of a per cent, in one


def amount(money: Money) -> Decimal:
    """Return the number of whole units and their parts."""
    return Decimal(money.units) + Decimal(money.nanos) * _NANO


def money(value: Money, places: int = 0) -> str:
    """Return `USD 12,345`, rounded half to even."""
    return f"{value.currency_code} {amount(value):,.{places}f}"


def percent(fraction: float, places: int = 1) -> str:
    """Return `5.0 %` for 0.05; a rounded zero has no sign."""
    number = f"{100 * fraction:.{places}f}"
    return f"{number.removeprefix('-') if not float(number) else number} %"


def shares(weights: Sequence[float]) -> list[str]:
    """Return shares of a whole in tenths of a per cent that add up to what they are shares of: largest remainders.

    The text of a proposal rounds its shares in this way too, so both show the same.
    """
    exact = [Fraction(weight) * _TENTHS for weight in weights]
    parts = [int(share) for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda i: (parts[i] - exact[i], i))
    for i in by_remainder[: round(sum(exact)) - sum(parts)]:
        parts[i] += 1
    return [f"{part / 10:.1f} %" for part in parts]


def day(date: Date) -> str:
    """Return the date as 2026-11-22, or `not available` for an absent one."""
    return f"{date.year:04d}-{date.month:02d}-{date.day:02d}" if date.year else NOT_AVAILABLE


def local(text: text_pb2.LocalText, language: str) -> str:
    """Return the words in this language, or in English where they are not written in it."""
    return (text.zh or text.en) if language == "zh" else text.en


def risk_level(level: risk_pb2.RiskLevel.ValueType) -> str:
    """Return `R3`; a dash where none is stated."""
    return risk_pb2.RiskLevel.Name(level).removeprefix("RISK_LEVEL_") if level else "-"


def client_class(value: risk_pb2.ClientClass.ValueType) -> str:
    """Return `C3`; a dash where none is stated."""
    return risk_pb2.ClientClass.Name(value).removeprefix("CLIENT_CLASS_") if value else "-"


def short(digest: str) -> str:
    """Return the first characters of a digest, enough to compare by eye."""
    return digest[:12] or "-"


def fact_value(fact: fact_pb2.Fact, language: str) -> str:
    """Return the value as delivered text shows it."""
    return local(fact.rendered, language) or fact.text


def bar(fraction: float, width: int) -> str:
    """Return a bar of `width` columns for a fraction of one, to an eighth of a column."""
    eighths = round(max(0.0, min(fraction, 1.0)) * width * _EIGHTHS)
    whole, rest = divmod(eighths, _EIGHTHS)
    return "█" * whole + (_BLOCKS[rest] if rest else "")
