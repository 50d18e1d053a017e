"""The shape of a product in the knowledge base: what a YAML file under kb/products may say."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from shared.assumptions import Currency, LocalText, Origin
from shared.entries import Entry

RiskLevelName = Literal["R1", "R2", "R3", "R4", "R5"]
Jurisdiction = Literal["US", "CN"]


class SourcedText(Origin):
    """A fact in words."""

    value: Annotated[str, Field(min_length=1)]


class SourcedFraction(Origin):
    """A yearly fee or another fraction (0.0003 is 0.03 %), with the day it was true."""

    value: Annotated[float, Field(ge=0.0, lt=0.2)]
    as_of: date


class SourcedAmount(Origin):
    """A sum of money."""

    amount: Annotated[Decimal, Field(ge=0)]
    currency: Currency


class SourcedRisks(Origin):
    """The main risks of the product, most important first, a sentence each without numbers."""

    en: Annotated[list[str], Field(min_length=1)]
    zh: list[str] = Field(default_factory=list)


class Exposures(Origin):
    """Loadings on asset classes of the assumptions; they sum to one, or to less with cash left over."""

    classes: Annotated[dict[str, float], Field(min_length=1)]
    specific_volatility: Annotated[float, Field(ge=0.0, lt=1.0)]
    currency_hedged: bool = False

    @model_validator(mode="after")
    def _loadings_sum_to_one(self) -> Self:
        total = sum(self.classes.values())
        if not 0.98 <= total <= 1.02:
            raise ValueError(f"classes: loadings sum to {total:.3f}, expected 1 within 0.02")
        return self


class DerivedLevel(Entry):
    """A risk level computed by the documented rule in kb/rules; the validator computes it again."""

    basis: Literal["derived"]
    level: RiskLevelName
    rule: Annotated[str, Field(min_length=1)]


class RatedLevel(Origin):
    """A risk level given by a named firm on a day."""

    basis: Literal["rated"]
    level: RiskLevelName
    rated_by: Annotated[str, Field(min_length=1)]
    rated_on: date


class Product(Entry):
    """One fund that may be advised on. What is not known is left out and shown as "not available"."""

    id: Annotated[str, Field(pattern=r"^[A-Z0-9]{2,12}$")]
    kind: Literal["ETF", "MONEY_FUND"]
    name: LocalText
    aliases: list[str] = Field(default_factory=list)
    asset_class: str
    currency: Currency
    jurisdictions: Annotated[list[Jurisdiction], Field(min_length=1)]
    exchange: SourcedText | None = None
    isin: SourcedText | None = None
    issuer: SourcedText
    benchmark: SourcedText | None = None
    expense_ratio: SourcedFraction | None = None
    minimum_investment: SourcedAmount | None = None
    exposures: Exposures
    risk_level: Annotated[DerivedLevel | RatedLevel, Field(discriminator="basis")]
    main_risks: SourcedRisks
    conflicts: list[str] = Field(default_factory=list)
    factsheet: LocalText

    @model_validator(mode="after")
    def _names_its_main_class(self) -> Self:
        if self.asset_class not in self.exposures.classes:
            raise ValueError(f"asset_class: {self.asset_class} is not among exposures.classes")
        if self.currency == "CNY" and not (self.name.zh and self.factsheet.zh and self.main_risks.zh):
            raise ValueError("name.zh, factsheet.zh, main_risks.zh: required for a product dealt in CNY")
        return self


class Source(Entry):
    """Where facts were read, with its licence and what it may be used for."""

    title: Annotated[str, Field(min_length=1)]
    publisher: Annotated[str, Field(min_length=1)]
    licence: Annotated[str, Field(min_length=1)]
    as_of: str
    note: LocalText | None = None
