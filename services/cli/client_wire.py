"""A client file as the message that the front door takes, and the front door's complaints as paths of the file."""

from __future__ import annotations

import re
from decimal import Decimal

from fiducia.advisor.v1 import client_pb2
from fiducia.type.v1 import risk_pb2
from google.type.decimal_pb2 import Decimal as DecimalMessage
from google.type.money_pb2 import Money

from services.cli.client_file import ClientFile, Holding, Preferences
from services.cli.client_values import Amount
from services.cli.errors import Problem

_NANO = Decimal("1e9")
# What the file calls otherwise than the message.
_RENAMED = (
    (re.compile(r"^(?:create\.|client\.)*situation\.?"), ""),
    (re.compile(r"\bgoal\.kind\b"), "goal.purpose"),
    (re.compile(r"\bquestionnaire\.questionnaire_id\b"), "questionnaire.id"),
    (re.compile(r"\bexcluded_product_ids\b"), "excluded_products"),
    (re.compile(r"\bproduct_id\b"), "product"),
)
_ANSWER = re.compile(r"\bquestionnaire\.answers\[(\d+)\](?:\.\w+)?")


def to_situation(client: ClientFile) -> client_pb2.ClientSituation:
    """Return the client as a message."""
    return client_pb2.ClientSituation(
        reference=client.reference,
        jurisdiction=client.jurisdiction,
        base_currency=client.base_currency,
        language=client.language,
        goal=client_pb2.Goal(
            kind=client_pb2.GoalKind.Value(f"GOAL_KIND_{client.goal.purpose.upper()}"),
            horizon_years=client.goal.horizon_years,
        ),
        questionnaire=client_pb2.RiskQuestionnaireResponse(
            questionnaire_id=client.questionnaire.id,
            answers=[
                client_pb2.QuestionnaireAnswer(question_id=question, option_id=option)
                for question, option in client.questionnaire.answers.items()
            ],
        ),
        holdings=[_holding(holding, client.base_currency) for holding in client.holdings],
        cash=_money(client.cash, client.base_currency) or Money(currency_code=client.base_currency),
        preferences=_preferences(client.preferences),
    )


def file_problem(field: str, description: str, client: ClientFile) -> Problem:
    """Return what the front door says about a field of its message as a problem of the client file."""
    for pattern, name in _RENAMED:
        field = pattern.sub(name, field)
    questions = list(client.questionnaire.answers)
    match = _ANSWER.search(field)
    if match and int(match[1]) < len(questions):
        field = f"questionnaire.answers.{questions[int(match[1])]}"
    return Problem(field, description)


def _holding(holding: Holding, currency: str) -> client_pb2.Holding:
    message = client_pb2.Holding(
        product_id=holding.product or "",
        price=_money(holding.price, currency),
        value=_money(holding.value, currency),
        units=DecimalMessage(value=str(holding.units)) if holding.units is not None else None,
    )
    if holding.external is not None:
        message.external.CopyFrom(
            client_pb2.ExternalProduct(
                name=holding.external.name,
                asset_class=holding.external.asset_class,
                risk_level=risk_pb2.RiskLevel.Value(f"RISK_LEVEL_{holding.external.risk_level}"),
                expense_ratio=holding.external.expense_ratio,
            )
        )
    return message


def _preferences(preferences: Preferences) -> client_pb2.Preferences:
    return client_pb2.Preferences(
        excluded_product_ids=preferences.excluded_products,
        excluded_asset_classes=preferences.excluded_asset_classes,
        required_products=[
            client_pb2.RequiredProduct(product_id=required.product, min_weight=required.min_weight)
            for required in preferences.required_products
        ],
        max_turnover=preferences.max_turnover,
        max_volatility=preferences.max_volatility,
    )


def _money(amount: Amount | None, currency: str) -> Money | None:
    if amount is None:
        return None
    units = int(amount.number)
    nanos = int((amount.number - units) * _NANO)
    return Money(currency_code=amount.currency or currency, units=units, nanos=nanos)
