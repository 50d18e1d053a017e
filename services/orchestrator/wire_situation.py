"""A client's situation from its message; what no domain object can hold becomes a violation here."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from fiducia.advisor.v1 import client_pb2 as pb
from fiducia.type.v1 import risk_pb2
from google.protobuf.message import Message

from services.orchestrator.catalogue.load import Catalogue
from services.orchestrator.situation import (
    Answer,
    ClientSituation,
    ExternalProduct,
    Goal,
    Holding,
    Preferences,
    QuestionnaireResponse,
    RequiredProduct,
)
from services.orchestrator.situation_check import situation_violations
from services.orchestrator.wire_values import decimal_of, enum_name, money_of
from shared.errors import FieldViolation

# The name reaches texts with pointers in braces, and one line of a table.
_UNFIT = re.compile(r"[{}\x00-\x1f\x7f]")

M = TypeVar("M", bound=Message)
Value = TypeVar("Value")


def parse_situation(
    message: pb.ClientSituation, catalogue: Catalogue, path: str
) -> tuple[ClientSituation, list[FieldViolation]]:
    """Return the situation and everything that is wrong with it; use it only where nothing is.

    path: the field that holds the message, for example "situation".
    """
    reader = _Reader(path)
    situation = reader.situation(message)
    said = {violation.field for violation in reader.violations}
    # A value that could not be read is absent from the situation; that must not be said a second time.
    found = [v for v in situation_violations(situation, catalogue, path) if v.field not in said]
    return situation, [*reader.violations, *found]


class _Reader:
    """Reads message after message and collects what cannot be read."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.violations: list[FieldViolation] = []

    def situation(self, message: pb.ClientSituation) -> ClientSituation:
        return ClientSituation(
            jurisdiction=message.jurisdiction,
            base_currency=message.base_currency,
            language=message.language,
            questionnaire=_questionnaire(message.questionnaire),
            goal=self._goal(message.goal),
            holdings=tuple(self._holding(holding, f"holdings[{i}]") for i, holding in enumerate(message.holdings)),
            cash=self._optional(message, "cash", message.cash, money_of, "cash"),
            preferences=_preferences(message.preferences),
            reference=message.reference,
        )

    def _goal(self, message: pb.Goal) -> Goal:
        self._require_known(message.kind, pb.GoalKind.values(), "goal.kind")
        return Goal(enum_name(pb.GoalKind, "GOAL_KIND", message.kind), message.horizon_years)  # type: ignore[arg-type]

    def _holding(self, message: pb.Holding, field: str) -> Holding:
        return Holding(
            product_id=message.product_id,
            external=self._external(message.external, f"{field}.external") if message.HasField("external") else None,
            units=self._optional(message, "units", message.units, decimal_of, f"{field}.units"),
            price=self._optional(message, "price", message.price, money_of, f"{field}.price"),
            value=self._optional(message, "value", message.value, money_of, f"{field}.value"),
        )

    def _external(self, message: pb.ExternalProduct, field: str) -> ExternalProduct:
        if _UNFIT.search(message.name):
            self._refuse(f"{field}.name", "has braces or control characters; write the plain name")
        self._require_known(message.risk_level, risk_pb2.RiskLevel.values(), f"{field}.risk_level")
        return ExternalProduct(
            name=message.name,
            asset_class=message.asset_class,
            risk_level=enum_name(risk_pb2.RiskLevel, "RISK_LEVEL", message.risk_level),  # type: ignore[arg-type]
            expense_ratio=message.expense_ratio if message.HasField("expense_ratio") else None,
        )

    def _optional(self, owner: Message, name: str, message: M, read: Callable[[M], Value], field: str) -> Value | None:
        if not owner.HasField(name):
            return None
        try:
            return read(message)
        except ValueError as error:
            self._refuse(field, f"{error}; correct it")
            return None

    def _require_known(self, number: int, known: Sequence[int], field: str) -> None:
        if number not in known:
            self._refuse(field, f"found the number {number}, expected one of the contract's values")

    def _refuse(self, field: str, description: str) -> None:
        self.violations.append(FieldViolation(f"{self._path}.{field}", description))


def _questionnaire(message: pb.RiskQuestionnaireResponse) -> QuestionnaireResponse:
    answers = tuple(Answer(answer.question_id, answer.option_id) for answer in message.answers)
    return QuestionnaireResponse(answers, message.questionnaire_id)


def _preferences(message: pb.Preferences) -> Preferences:
    return Preferences(
        excluded_product_ids=tuple(message.excluded_product_ids),
        excluded_asset_classes=tuple(message.excluded_asset_classes),
        required_products=tuple(RequiredProduct(r.product_id, r.min_weight) for r in message.required_products),
        max_turnover=message.max_turnover if message.HasField("max_turnover") else None,
        max_volatility=message.max_volatility if message.HasField("max_volatility") else None,
    )
