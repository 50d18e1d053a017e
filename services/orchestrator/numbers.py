"""Numbers as people read them, in English and Chinese: the only place that turns a value into digits."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from babel.dates import format_date
from babel.numbers import format_decimal

from services.orchestrator.facts.fact import Quantity
from services.orchestrator.money import Money
from services.orchestrator.text import Text

_LOCALE = {"en": "en_US", "zh": "zh_Hans_CN"}
# Both languages read these signs; a bare $ or CN¥ would leave open whose dollar, or look foreign.
_SIGN = {"USD": "US$", "CNY": "¥"}
# From here on cents say nothing.
_WHOLE_FROM = Decimal(1000)
_MINUS = "\u2212"


def percent(fraction: float, language: str, decimals: int = 1) -> str:
    """Return a share in per cent: 0.0512 is "5.1%"; a fee needs two decimals."""
    return f"{_decimal(Decimal(repr(float(fraction))) * 100, decimals, language)}%"


def money(sum_: Money, language: str) -> str:
    """Return a sum with its currency's sign; from 1,000 on without cents: "US$12,345", "¥345.60"."""
    decimals = 0 if abs(sum_.amount) >= _WHOLE_FROM else 2
    digits = _decimal(sum_.amount, decimals, language)
    sign = _SIGN.get(sum_.currency, f"{sum_.currency} ")
    return f"{_MINUS}{sign}{digits[1:]}" if digits.startswith(_MINUS) else f"{sign}{digits}"


def day(value: date, language: str) -> str:
    """Return a day: "November 1, 2026", "2026年11月1日"."""
    return str(format_date(value, format="long", locale=_LOCALE[language]))


def number(value: float, language: str) -> str:
    """Return a number with at most one decimal: "63", "7.5"."""
    decimals = 0 if float(value).is_integer() else 1
    return _decimal(Decimal(repr(float(value))), decimals, language)


def quantity_text(quantity: Quantity, decimals: int = 1) -> Text:
    """Return a quantity with its unit's words in both languages; `decimals` concerns percentages."""
    value = quantity.value
    if quantity.unit == "PERCENT":
        return Text(percent(value, "en", decimals), percent(value, "zh", decimals))
    if quantity.unit == "PERCENT_POINT":
        points = _decimal(Decimal(repr(float(value))) * 100, decimals, "en")
        return Text(f"{points} percentage point{_plural(points)}", f"{points}个百分点")
    if quantity.unit == "YEARS":
        years = number(value, "en")
        return Text(f"{years} year{_plural(years)}", f"{years}年")
    return Text(number(value, "en"), number(value, "zh"))


def money_text(sum_: Money) -> Text:
    """Return a sum of money in both languages."""
    return Text(money(sum_, "en"), money(sum_, "zh"))


def day_text(value: date) -> Text:
    """Return a day in both languages."""
    return Text(day(value, "en"), day(value, "zh"))


def _decimal(value: Decimal, decimals: int, language: str) -> str:
    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    digits = str(format_decimal(value, format=pattern, locale=_LOCALE[language]))
    if _is_zero(digits):
        return digits.lstrip("-")
    return digits.replace("-", _MINUS)


def _is_zero(digits: str) -> bool:
    return not any(character in "123456789" for character in digits)


def _plural(digits: str) -> str:
    return "" if digits in ("1", "1.0") else "s"
