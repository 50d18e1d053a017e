"""How amounts and fractions are written in a client file: `25,000 USD`, `25000`, `0.04 %`, `0.0004`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

_CURRENCY = r"[A-Za-z]{3}"
_NUMBER = r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_AMOUNT = re.compile(rf"^(?:(?P<before>{_CURRENCY})\s*)?(?P<number>{_NUMBER})(?:\s*(?P<after>{_CURRENCY}))?$")
_FRACTION = re.compile(r"^(?P<number>[+-]?\d*\.?\d+)\s*(?P<percent>%?)$")
# google.type.Money counts whole units in 64 bits and parts in billionths.
_MOST = Decimal("1e15")
_DECIMALS = 9


@dataclass(frozen=True)
class Amount:
    """A sum of money as written; the currency is empty where none was written."""

    number: Decimal
    currency: str


def parse_amount(text: object) -> Amount:
    """Return the amount, or raise ValueError that says how one is written."""
    match = _AMOUNT.match(str(text).strip())
    if match is None or (match["before"] and match["after"]):
        raise ValueError(f"{text!r} is not an amount of money; write it like `25000` or `25,000.50 USD`")
    number = Decimal(match["number"].replace(",", ""))
    if number < 0:
        raise ValueError(f"{text} is negative; state an amount of zero or more")
    if number > _MOST or -int(number.as_tuple().exponent) > _DECIMALS:
        raise ValueError(f"{text} is too large or too fine; state at most {_DECIMALS} decimals")
    return Amount(number, (match["before"] or match["after"] or "").upper())


def parse_number(text: object) -> Decimal:
    """Return a number of units: `1450`, `1,450` or `12.5`; raise ValueError for anything else."""
    if not re.fullmatch(_NUMBER, str(text).strip()):
        raise ValueError(f"{text!r} is not a number; write it like `1450` or `12.5`")
    return Decimal(str(text).strip().replace(",", ""))


def parse_fraction(text: object) -> float:
    """Return a share as a fraction: `5 %` and `0.05` are the same; raise ValueError for anything else."""
    match = _FRACTION.match(str(text).strip())
    if match is None:
        raise ValueError(f"{text!r} is not a share; write it like `0.05` or `5 %`")
    return float(Decimal(match["number"]) / (100 if match["percent"] else 1))
