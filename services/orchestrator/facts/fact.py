"""A fact: one checked value that text may show, with its unit, basis and root."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from services.orchestrator.money import Money
from services.orchestrator.text import Text

Unit = Literal["PERCENT", "PERCENT_POINT", "YEARS", "COUNT", "SCORE", "RATIO"]
Basis = Literal["ACTUAL", "HYPOTHETICAL", "STATED", "CLIENT_STATED"]
SubjectKind = Literal["CLIENT", "PORTFOLIO", "CURRENT_PORTFOLIO", "PRODUCT", "ASSET_CLASS", "ALTERNATIVE", "UNIVERSE"]
SourceKind = Literal["SOLVER", "KNOWLEDGE_BASE", "ASSUMPTION", "CLIENT", "RULE", "DERIVED"]


@dataclass(frozen=True)
class Quantity:
    """A number with its unit; for percentages the fraction."""

    value: float
    unit: Unit


@dataclass(frozen=True)
class Subject:
    """What a fact is about; the id is empty where there is only one."""

    kind: SubjectKind
    id: str = ""


@dataclass(frozen=True)
class FactSource:
    """Who made a value; `derived_from` names the facts it was computed from, so that it can be traced."""

    kind: SourceKind
    reference: str
    digest: str = ""
    verified: bool = False
    derived_from: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fact:
    """One checked value. `value` is a Quantity, Money, date or words (a str)."""

    id: str
    subject: Subject
    label: Text
    value: Quantity | Money | date | str
    rendered: Text
    basis: Basis
    source: FactSource
    as_of: date | None = None
    net_of_fees: bool | None = None


def fact_key(key: str) -> str:
    """Return a product's or class's identifier as it stands in fact ids: lower case, "VTI" becomes "vti"."""
    return key.lower()
