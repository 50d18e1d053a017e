"""Random but possible clients, drawn from the served questionnaire and catalogue."""

from __future__ import annotations

import random

from fiducia.advisor.v1 import client_pb2 as client
from fiducia.advisor.v1.product_pb2 import Product
from google.type.money_pb2 import Money

_CURRENCY = {"US": "USD", "CN": "CNY"}
_GOALS = [number for number in client.GoalKind.values() if number]


def random_client(
    rng: random.Random, language: str, questionnaire: client.Questionnaire, products: list[Product]
) -> client.ClientSituation:
    """Return a client whose answers, goal, holdings and cash are drawn from `rng`.

    Answers lean to one side of each question, so that most clients do not contradict themselves.
    """
    jurisdiction = rng.choice(("US", "CN"))
    boldness = rng.random()
    return client.ClientSituation(
        reference=f"audit-{rng.randrange(10**6)}",
        jurisdiction=jurisdiction,
        base_currency=_CURRENCY[jurisdiction],
        language=language,
        questionnaire=client.RiskQuestionnaireResponse(
            questionnaire_id=questionnaire.id,
            answers=[_answer(rng, question, boldness) for question in questionnaire.questions],
        ),
        goal=client.Goal(kind=rng.choice(_GOALS), horizon_years=rng.randint(2, 30)),
        holdings=_holdings(rng, [p for p in products if jurisdiction in p.jurisdictions]),
        cash=_money(jurisdiction, rng.randrange(20_000, 900_000)),
    )


def _answer(rng: random.Random, question: client.Question, boldness: float) -> client.QuestionnaireAnswer:
    place = min(max(boldness + rng.uniform(-0.2, 0.2), 0.0), 0.999)
    return client.QuestionnaireAnswer(
        question_id=question.id, option_id=question.options[int(place * len(question.options))].id
    )


def _holdings(rng: random.Random, products: list[Product]) -> list[client.Holding]:
    chosen = rng.sample(products, rng.choice((0, 0, 1, 2, 3)))
    return [
        client.Holding(product_id=product.id, value=_money(product.jurisdictions[0], rng.randrange(5_000, 400_000)))
        for product in chosen
    ]


def _money(jurisdiction: str, units: int) -> Money:
    return Money(currency_code=_CURRENCY[jurisdiction], units=units)
