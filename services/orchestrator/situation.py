"""What an advisor application tells about a client: plain facts, not yet checked against the catalogue."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, get_args

from services.orchestrator.catalogue.schema import RiskLevelName
from services.orchestrator.money import Money

GoalKind = Literal["RETIREMENT", "HOME", "EDUCATION", "GROWTH", "PRESERVATION", "INCOME"]
GOAL_KINDS: tuple[GoalKind, ...] = get_args(GoalKind)


@dataclass(frozen=True)
class Answer:
    """One answer of the risk questionnaire."""

    question_id: str
    option_id: str


@dataclass(frozen=True)
class QuestionnaireResponse:
    """A completed risk questionnaire; an empty id means the newest."""

    answers: tuple[Answer, ...]
    questionnaire_id: str = ""


@dataclass(frozen=True)
class ExternalProduct:
    """A fund outside the catalogue that the client holds: it may be kept or sold, never bought.

    expense_ratio: all fund fees per year, a fraction; None: unknown.
    """

    name: str
    asset_class: str
    risk_level: RiskLevelName | None
    expense_ratio: float | None = None


@dataclass(frozen=True)
class Holding:
    """Something held today: a product of the catalogue or an external one, with units and price or a value."""

    product_id: str = ""
    external: ExternalProduct | None = None
    units: Decimal | None = None
    price: Money | None = None
    value: Money | None = None


@dataclass(frozen=True)
class Goal:
    """What the money is for and in how many years, 1 to 60, it is needed; kind None: not stated."""

    kind: GoalKind | None
    horizon_years: float


@dataclass(frozen=True)
class RequiredProduct:
    """A product that the client insists on, with its smallest weight, above 0 and at most 1."""

    product_id: str
    min_weight: float


@dataclass(frozen=True)
class Preferences:
    """The client's own limits; they can only tighten those of the class. None: no limit of the client's own."""

    excluded_product_ids: tuple[str, ...] = ()
    excluded_asset_classes: tuple[str, ...] = ()
    required_products: tuple[RequiredProduct, ...] = ()
    max_turnover: float | None = None
    max_volatility: float | None = None


@dataclass(frozen=True)
class ClientSituation:
    """All that is known of a client; no name and no contact. Trust it only after `check_situation`."""

    jurisdiction: str
    base_currency: str
    language: str
    questionnaire: QuestionnaireResponse
    goal: Goal
    holdings: tuple[Holding, ...] = ()
    cash: Money | None = None
    preferences: Preferences = field(default_factory=Preferences)
    reference: str = ""
