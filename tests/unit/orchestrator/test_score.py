"""The risk profile: two scores, the lower binding, and contradictions that forbid both."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.orchestrator.catalogue.questionnaire import Questionnaire
from services.orchestrator.catalogue.rules import ClientClass
from services.orchestrator.situation import QuestionnaireResponse
from services.orchestrator.suitability.score import class_of, profile_of, score_client
from services.orchestrator.text import Text
from tests.unit.orchestrator.advice_kit import ANSWERS, QUESTIONNAIRE, catalogue, response, situation

PACK = catalogue().packs["US"]
SHEET = catalogue().questionnaires[QUESTIONNAIRE]


@st.composite
def complete_answers(draw: st.DrawFn) -> dict[str, str]:
    return {q.id: draw(st.sampled_from([option.id for option in q.options])) for q in SHEET.questions}


@pytest.mark.parametrize("client_class", get_args(ClientClass))
def test_consistent_answers_give_their_class(client_class: ClientClass) -> None:
    scoring = score_client(situation(client_class=client_class), catalogue())

    assert scoring.findings == ()
    assert scoring.profile is not None
    assert scoring.profile.client_class == client_class


def test_scores_follow_the_documented_formula() -> None:
    # Capacity: 5 + 8 + 7 + 7 + 3 + 3 = 33 of 60 points; tolerance: 6 + 5 + 7 + 4 + 3 = 25 of 50.
    profile = profile_of(SHEET, ANSWERS["C3"], PACK)

    assert profile.capacity_score == pytest.approx(55.0)
    assert profile.tolerance_score == pytest.approx(50.0)
    assert profile.binding_side == "TOLERANCE"
    assert profile.reason == Text(
        "capacity 55, tolerance 50: tolerance binds, C3", "承受能力 55，承受意愿 50：以承受意愿为准，C3"
    )


@given(complete_answers())
def test_the_binding_score_is_at_most_both(answers: dict[str, str]) -> None:
    profile = profile_of(SHEET, answers, PACK)

    assert profile.binding_score == min(profile.capacity_score, profile.tolerance_score)
    assert 0.0 <= profile.binding_score <= max(profile.capacity_score, profile.tolerance_score) <= 100.0


@given(complete_answers(), st.data())
def test_an_answer_with_more_points_never_lowers_the_class(answers: dict[str, str], data: st.DataObject) -> None:
    question = data.draw(st.sampled_from(SHEET.questions))
    chosen = question.option(answers[question.id])
    assert chosen is not None
    bolder = data.draw(st.sampled_from([option for option in question.options if option.points >= chosen.points]))

    before = profile_of(SHEET, answers, PACK)
    after = profile_of(SHEET, {**answers, question.id: bolder.id}, PACK)

    assert after.client_class >= before.client_class


@pytest.mark.parametrize(
    ("score", "expected"),
    [(0, "C1"), (19.9, "C1"), (20, "C2"), (40, "C3"), (59.9, "C3"), (60, "C4"), (80, "C5"), (100, "C5")],
)
def test_a_threshold_belongs_to_the_class_above_it(score: float, expected: str) -> None:
    assert class_of(score, PACK) == expected


def test_knowledge_is_not_scored() -> None:
    clever = {**ANSWERS["C3"], "instruments": "complex", "experience": "over_5y"}

    assert profile_of(SHEET, clever, PACK) == profile_of(SHEET, ANSWERS["C3"], PACK)


@pytest.mark.parametrize("pair", SHEET.inconsistencies, ids=lambda pair: pair.id)
def test_each_contradiction_blocks_scoring_and_names_its_questions(pair: object) -> None:
    when = pair.when  # type: ignore[attr-defined]
    answers = {**ANSWERS["C3"], **{question: options[0] for question, options in when.items()}}

    scoring = score_client(replace(situation(), questionnaire=response(answers)), catalogue())

    assert scoring.profile is None
    finding = next(finding for finding in scoring.findings if finding.subject == pair.id)  # type: ignore[attr-defined]
    assert (finding.rule_id, finding.severity) == ("R06", "BLOCK")
    assert all(question in finding.message.en for question in when)
    assert finding.message.zh
    assert finding.rule_verified
    assert "sec-im-guidance-2017-02" in finding.rule_source


def test_answers_to_an_older_questionnaire_block() -> None:
    older = SHEET.model_copy(update={"id": "standard-2025-01", "version": "2025-01"})
    both: dict[str, Questionnaire] = {**catalogue().questionnaires, older.id: older}
    with_older = catalogue().model_copy(update={"questionnaires": both})
    answered = QuestionnaireResponse(response(ANSWERS["C3"]).answers, older.id)

    scoring = score_client(replace(situation(), questionnaire=answered), with_older)

    assert scoring.profile is None
    assert [finding.rule_id for finding in scoring.findings] == ["R05"]
