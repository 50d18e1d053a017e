"""A situation is refused with every violation at once, each with its path and what to do."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from services.orchestrator.money import Money
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
from services.orchestrator.situation_check import check_situation, situation_violations
from shared.errors import InvalidRequest
from tests.unit.orchestrator.advice_kit import ANSWERS, catalogue, outside, response, situation, units, worth

USD = "USD"


def fund(**changes: Any) -> Holding:
    """Return a holding outside the catalogue with something changed about the fund."""
    external = replace(ExternalProduct("Old Fund", "us_large_equity", "R3", 0.01), **changes)
    return outside(external.name, "100", external)


@pytest.mark.parametrize(
    "client",
    [
        situation(),
        situation("CN", "C1", language="zh"),
        situation(cash=None, holdings=[units("VTI", "10.5", "301.2345")]),
        situation(holdings=[fund(expense_ratio=None)]),
        situation(preferences=Preferences(("VTI",), ("gold",), (RequiredProduct("BND", 0.1),), 0.5, 0.1)),
    ],
)
def test_a_complete_situation_is_accepted(client: ClientSituation) -> None:
    check_situation(client, catalogue())


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"jurisdiction": "DE"}, "jurisdiction", 'found "DE", expected CN or US'),
        ({"base_currency": "CNY"}, "base_currency", "expected USD"),
        ({"base_currency": "EUR"}, "base_currency", 'found "EUR"'),
        ({"language": "fr"}, "language", "expected en or zh"),
        ({"reference": "x" * 201}, "reference", "at most 200"),
        ({"goal": Goal(None, 10)}, "goal.kind", "RETIREMENT"),
        ({"goal": Goal("HOME", 0.5)}, "goal.horizon_years", "1 to 60"),
        ({"goal": Goal("HOME", float("nan"))}, "goal.horizon_years", "1 to 60"),
        ({"cash": Money("CNY", Decimal(5))}, "cash", "base currency USD"),
        ({"cash": Money(USD, Decimal(-5))}, "cash", "at least 0"),
        ({"cash": Money(USD, Decimal("0.001"))}, "cash", "whole cents"),
        ({"cash": None}, "cash", "nothing to invest"),
        ({"cash": Money(USD, Decimal("1e20"))}, "cash", "expected a sum up to"),
    ],
)
def test_a_wrong_field_is_named_by_its_path(changes: dict[str, Any], field: str, words: str) -> None:
    client = replace(situation(), **changes)

    violations = situation_violations(client, catalogue())

    assert f"situation.{field}" in {violation.field for violation in violations}
    assert any(words in violation.description for violation in violations)


@pytest.mark.parametrize(
    ("holding", "field", "words"),
    [
        (worth("ZZZZ", "5"), "product_id", "give it as external with price, asset_class and risk_level"),
        (Holding(value=Money(USD, Decimal(5))), "product_id", "not stated"),
        (Holding("VTI"), "value", "give value, or units with a price"),
        (Holding("VTI", units=Decimal(3)), "price", "units without a price"),
        (Holding("VTI", price=Money(USD, Decimal(3))), "units", "price without units"),
        (replace(units("VTI", "3", "5"), value=Money(USD, Decimal(15))), "value", "one way"),
        (units("VTI", "-3", "5"), "units", "more than 0"),
        (units("VTI", "NaN", "5"), "units", "more than 0"),
        (units("VTI", "3", "0"), "price", "more than 0"),
        (units("VTI", "0.0001", "5"), "units", "units times price"),
        (units("VTI", "1e12", "1e12"), "units", "units times price"),
        (worth("VTI", "5", "CNY"), "value", "base currency USD"),
        (worth("VTI", "-5"), "value", "more than 0"),
        (worth("VTI", "5.001"), "value", "whole cents"),
        (fund(name=""), "external.name", "name the fund"),
        (fund(name="VTI"), "external.name", "give it as product_id"),
        (fund(asset_class="stocks"), "external.asset_class", 'unknown asset class "stocks"'),
        (fund(risk_level=None), "external.risk_level", "R1 to R5"),
        (fund(expense_ratio=0.5), "external.expense_ratio", "0.5 % as 0.005"),
    ],
)
def test_a_wrong_holding_is_named_by_its_place(holding: Holding, field: str, words: str) -> None:
    client = situation(holdings=[worth("BND", "10"), holding])

    violations = situation_violations(client, catalogue())

    assert [violation.field for violation in violations] == [f"situation.holdings[1].{field}"]
    assert words in violations[0].description


def test_a_holding_listed_twice_is_refused() -> None:
    client = situation(holdings=[worth("BND", "10"), worth("BND", "20")])

    (violation,) = situation_violations(client, catalogue())

    assert violation.field == "situation.holdings[1]"


@pytest.mark.parametrize(
    ("preferences", "field"),
    [
        (Preferences(excluded_product_ids=("ZZZZ",)), "excluded_product_ids[0]"),
        (Preferences(excluded_asset_classes=("stocks",)), "excluded_asset_classes[0]"),
        (Preferences(required_products=(RequiredProduct("ZZZZ", 0.1),)), "required_products[0].product_id"),
        (Preferences(required_products=(RequiredProduct("VTI", 0.0),)), "required_products[0].min_weight"),
        (Preferences(required_products=(RequiredProduct("VTI", 1.1),)), "required_products[0].min_weight"),
        (Preferences(("VTI",), (), (RequiredProduct("VTI", 0.1),)), "required_products[0].product_id"),
        (
            Preferences(required_products=(RequiredProduct("VTI", 0.6), RequiredProduct("BND", 0.6))),
            "required_products",
        ),
        (Preferences(max_turnover=1.5), "max_turnover"),
        (Preferences(max_volatility=0.0), "max_volatility"),
    ],
)
def test_a_wrong_preference_is_named_by_its_path(preferences: Preferences, field: str) -> None:
    violations = situation_violations(situation(preferences=preferences), catalogue())

    assert f"situation.preferences.{field}" in {violation.field for violation in violations}


def test_a_fund_outside_the_catalogue_can_be_excluded_by_its_name() -> None:
    client = situation(holdings=[fund()], preferences=Preferences(excluded_product_ids=("Old Fund",)))

    assert situation_violations(client, catalogue()) == ()


def test_each_question_without_an_answer_is_named_with_its_options() -> None:
    answers = {key: option for key, option in ANSWERS["C3"].items() if key not in ("horizon", "comfort")}
    client = replace(situation(), questionnaire=response(answers))

    violations = situation_violations(client, catalogue())

    assert [violation.field for violation in violations] == ["situation.questionnaire.answers"] * 2
    assert '"horizon" is not answered' in violations[0].description
    assert "very_uneasy" in violations[1].description


@pytest.mark.parametrize(
    ("extra", "field", "words"),
    [
        (Answer("shoe_size", "large"), "answers[14].question_id", 'unknown question "shoe_size"'),
        (Answer("horizon", "under_1y"), "answers[14].question_id", "answered twice"),
    ],
)
def test_a_question_that_is_unknown_or_answered_twice_is_refused(extra: Answer, field: str, words: str) -> None:
    client = replace(situation(), questionnaire=QuestionnaireResponse((*response(ANSWERS["C3"]).answers, extra)))

    (violation,) = situation_violations(client, catalogue())

    assert violation.field == f"situation.questionnaire.{field}"
    assert words in violation.description


def test_an_unknown_option_is_refused_with_the_known_ones() -> None:
    client = replace(situation(), questionnaire=response({**ANSWERS["C3"], "horizon": "tomorrow"}))

    (violation,) = situation_violations(client, catalogue())

    assert violation.field == "situation.questionnaire.answers[0].option_id"
    assert "under_1y, 1_to_3y" in violation.description


def test_an_unknown_questionnaire_is_refused() -> None:
    client = replace(situation(), questionnaire=QuestionnaireResponse((), "old-1999"))

    (violation,) = situation_violations(client, catalogue())

    assert violation.field == "situation.questionnaire.questionnaire_id"


def test_all_violations_come_in_one_error_under_the_given_path() -> None:
    client = replace(situation(), language="fr", goal=Goal(None, 99), cash=Money("EUR", Decimal(-1)))

    with pytest.raises(InvalidRequest) as refused:
        check_situation(client, catalogue(), "create.situation")

    fields = [violation.field for violation in refused.value.violations]
    assert (
        fields
        == [f"create.situation.{name}" for name in ("language", "goal.kind", "goal.horizon_years")]
        + ["create.situation.cash"] * 2
    )
