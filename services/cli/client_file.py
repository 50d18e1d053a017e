"""A client's situation as a YAML file that people write: its fields, and everything that may be wrong with them."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from services.cli.client_values import Amount, parse_amount, parse_fraction, parse_number

Fraction = Annotated[float, BeforeValidator(parse_fraction)]
Sum = Annotated[Amount, BeforeValidator(parse_amount)]
Number = Annotated[Decimal, BeforeValidator(parse_number)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class Part(BaseModel):
    """A part of the file: an unknown field is a problem, not a field to be ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, allow_inf_nan=False)


class Goal(Part):
    """What the money is for, and in how many years it is needed."""

    purpose: Literal["retirement", "home", "education", "growth", "preservation", "income"]
    horizon_years: Annotated[float, Field(ge=1, le=60)]


class QuestionnaireAnswers(Part):
    """The risk questionnaire: the option chosen for each question. `fiducia questionnaire` prints both."""

    id: str = ""
    answers: Annotated[dict[str, Name], Field(min_length=1)]


class External(Part):
    """A fund outside the catalogue: it may be kept or sold, never bought."""

    name: Name
    asset_class: Name
    risk_level: Literal["R1", "R2", "R3", "R4", "R5"]
    expense_ratio: Annotated[Fraction, Field(ge=0, lt=0.2)] | None = None


class Holding(Part):
    """Something held today: `product` or `external`, with `units` and `price`, or with `value`."""

    product: Name | None = None
    external: External | None = None
    units: Annotated[Number, Field(gt=0)] | None = None
    price: Sum | None = None
    value: Sum | None = None


class Required(Part):
    """A product that the client insists on."""

    product: Name
    min_weight: Annotated[Fraction, Field(gt=0, le=1)]


class Preferences(Part):
    """The client's own limits; they can only tighten those of the class."""

    excluded_products: list[Name] = []
    excluded_asset_classes: list[Name] = []
    required_products: list[Required] = []
    max_turnover: Annotated[Fraction, Field(ge=0, le=1)] | None = None
    max_volatility: Annotated[Fraction, Field(gt=0, le=1)] | None = None


class ClientFile(Part):
    """The whole file. It asks for no name and no contact."""

    reference: Annotated[str, Field(max_length=100)] = ""
    jurisdiction: Literal["US", "CN"]
    base_currency: Literal["USD", "CNY"]
    language: Literal["en", "zh"] = "en"
    goal: Goal
    questionnaire: QuestionnaireAnswers
    holdings: list[Holding] = []
    cash: Sum | None = None
    preferences: Preferences = Preferences()
