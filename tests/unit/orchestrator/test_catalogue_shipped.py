"""What the shipped assumptions, rule packs and questionnaire promise."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from services.orchestrator.catalogue.build import read_knowledge_base
from services.orchestrator.catalogue.load import Catalogue
from services.orchestrator.catalogue.questionnaire import Questionnaire

KB = Path(__file__).parents[3] / "kb"


@pytest.fixture(scope="module")
def shipped() -> Catalogue:
    return read_knowledge_base(KB)


@pytest.fixture(scope="module")
def questionnaire(shipped: Catalogue) -> Questionnaire:
    return shipped.questionnaires["standard-2026-11"]


def test_every_expected_return_states_the_blocks_that_it_is_the_sum_of(shipped: Catalogue) -> None:
    for assumption in shipped.assumptions.classes.values():
        assert sum(assumption.blocks.values()) == pytest.approx(assumption.expected_return, abs=1e-9)


def test_the_covariance_is_positive_definite_with_the_stated_margin(shipped: Catalogue) -> None:
    smallest = float(np.linalg.eigvalsh(shipped.assumptions.correlations.matrix())[0])

    assert smallest == pytest.approx(0.0147, abs=5e-5)  # As the method of the correlations says.


def test_cash_earns_the_same_in_either_currency(shipped: Catalogue) -> None:
    assumptions = shipped.assumptions

    dollars_in_yuan = (1 + assumptions.classes["us_cash"].expected_return) * (1 + assumptions.usd_cny.expected_change)

    assert dollars_in_yuan == pytest.approx(1 + assumptions.classes["cn_cash"].expected_return, abs=1e-4)


def test_a_risky_class_is_expected_to_earn_more_than_cash_of_its_currency(shipped: Catalogue) -> None:
    classes = shipped.assumptions.classes
    cash = {c.currency: c.expected_return for c in classes.values() if c.group == "CASH"}

    assert all(c.expected_return > cash[c.currency] for c in classes.values() if c.group != "CASH")


def test_no_rule_rests_on_general_knowledge_as_verified(shipped: Catalogue) -> None:
    rules = [rule for pack in shipped.packs.values() for rule in pack.rules]

    assert not [rule.id for rule in rules if rule.source == "general-knowledge" and rule.verified]


def test_every_pack_states_the_rules_that_a_proposal_is_held_to(shipped: Catalogue) -> None:
    expected = [f"R{n:02}" for n in (5, 6, 7, 8, 11, 12, 13, 14, 15, 16, 17, 20, 21, 22, 23, 25)]

    assert all([rule.id for rule in pack.rules] == expected for pack in shipped.packs.values())


def test_the_lowest_class_is_never_overridden(shipped: Catalogue) -> None:
    assert not any(pack.classes["C1"].override_allowed for pack in shipped.packs.values())


def test_the_questionnaire_asks_twelve_to_fourteen_questions_over_all_dimensions(questionnaire: Questionnaire) -> None:
    dimensions = [question.dimension for question in questionnaire.questions]

    assert 12 <= len(dimensions) <= 14
    assert set(dimensions) == {"CAPACITY", "TOLERANCE", "KNOWLEDGE"}


def test_points_rise_with_the_order_of_options(questionnaire: Questionnaire) -> None:
    for question in questionnaire.questions:
        points = [option.points for option in question.options]
        assert points == sorted(points)


def test_every_contradiction_can_be_given_and_avoided(questionnaire: Questionnaire) -> None:
    middle = {q.id: q.options[len(q.options) // 2].id for q in questionnaire.questions}

    for pair in questionnaire.inconsistencies:
        given = dict(middle) | {question: options[0] for question, options in pair.when.items()}
        assert pair.holds(given)
        assert not pair.holds({})


def test_the_most_cautious_the_middle_and_the_boldest_answers_are_consistent(questionnaire: Questionnaire) -> None:
    for position in (0.0, 0.5, 1.0):
        answers = {q.id: q.options[round(position * (len(q.options) - 1))].id for q in questionnaire.questions}
        assert not [pair.id for pair in questionnaire.inconsistencies if pair.holds(answers)]


def test_each_contradiction_needs_all_of_its_answers(questionnaire: Questionnaire) -> None:
    for pair in questionnaire.inconsistencies:
        full = {question: options[0] for question, options in pair.when.items()}
        for question in full:
            assert not pair.holds({key: value for key, value in full.items() if key != question})


def test_no_two_options_of_a_question_read_the_same(questionnaire: Questionnaire) -> None:
    for question in questionnaire.questions:
        for one, other in itertools.combinations(question.options, 2):
            assert one.text.en != other.text.en
            assert one.text.zh != other.text.zh
