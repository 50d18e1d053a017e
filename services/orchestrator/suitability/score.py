"""The risk profile: capacity and tolerance scored apart, the lower one binding, and the class that follows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from services.orchestrator.catalogue.load import Catalogue
from services.orchestrator.catalogue.questionnaire import Dimension, Questionnaire
from services.orchestrator.catalogue.rules import CLIENT_CLASSES, ClientClass, RulePack
from services.orchestrator.situation import ClientSituation, QuestionnaireResponse
from services.orchestrator.suitability.finding import Finding, found
from services.orchestrator.text import Text

BindingSide = Literal["CAPACITY", "TOLERANCE", "EQUAL"]
TOP_SCORE = 100.0

_SIDES: dict[BindingSide, Text] = {
    "CAPACITY": Text("capacity binds", "以承受能力为准"),
    "TOLERANCE": Text("tolerance binds", "以承受意愿为准"),
    "EQUAL": Text("both alike", "两者相同"),
}


@dataclass(frozen=True)
class RiskProfile:
    """Who the client is as an investor; scores are 0 to 100, `reason` says how the class came about."""

    capacity_score: float
    tolerance_score: float
    binding_score: float
    binding_side: BindingSide
    client_class: ClientClass
    questionnaire_id: str
    reason: Text


@dataclass(frozen=True)
class Scoring:
    """The profile, or None where contradictory answers forbid scoring, with what was found."""

    profile: RiskProfile | None
    findings: tuple[Finding, ...]


def answered_questionnaire(response: QuestionnaireResponse, catalogue: Catalogue) -> Questionnaire | None:
    """Return the questionnaire that was answered: the one named, or the newest; None if it is unknown."""
    if response.questionnaire_id:
        return catalogue.questionnaires.get(response.questionnaire_id)
    return newest_questionnaire(catalogue)


def newest_questionnaire(catalogue: Catalogue) -> Questionnaire:
    """Return the questionnaire with the highest version; versions are dates, so they sort as text."""
    return max(catalogue.questionnaires.values(), key=lambda questionnaire: questionnaire.version)


def score_client(situation: ClientSituation, catalogue: Catalogue) -> Scoring:
    """Return the profile of a checked situation, or the findings that forbid one (R05, R06)."""
    questionnaire = answered_questionnaire(situation.questionnaire, catalogue)
    if questionnaire is None:
        raise ValueError("score_client takes a checked situation")
    pack = next(pack for key, pack in catalogue.packs.items() if key == situation.jurisdiction)
    answers = {answer.question_id: answer.option_id for answer in situation.questionnaire.answers}
    findings = (
        *_outdated(questionnaire, newest_questionnaire(catalogue), pack),
        *_contradictions(questionnaire, answers, pack),
    )
    return Scoring(None if findings else profile_of(questionnaire, answers, pack), findings)


def profile_of(questionnaire: Questionnaire, answers: Mapping[str, str], pack: RulePack) -> RiskProfile:
    """Return the profile that complete, consistent answers (option by question) give."""
    capacity = dimension_score(questionnaire, "CAPACITY", answers)
    tolerance = dimension_score(questionnaire, "TOLERANCE", answers)
    binding = min(capacity, tolerance)
    side = _binding_side(capacity, tolerance)
    client_class = class_of(binding, pack)
    reason = _reason(capacity, tolerance, side, client_class)
    return RiskProfile(capacity, tolerance, binding, side, client_class, questionnaire.id, reason)


def dimension_score(questionnaire: Questionnaire, dimension: Dimension, answers: Mapping[str, str]) -> float:
    """Return 100 x (sum - min) / (max - min) over the answers of one dimension, as the questionnaire documents."""
    lowest, highest = questionnaire.point_range(dimension)
    chosen = [q.option(answers[q.id]) for q in questionnaire.questions if q.dimension == dimension]
    points = sum(option.points for option in chosen if option is not None)
    return TOP_SCORE * (points - lowest) / (highest - lowest)


def class_of(score: float, pack: RulePack) -> ClientClass:
    """Return the lowest class whose threshold lies above the score; without one it is C5."""
    below = (name for name in CLIENT_CLASSES[:-1] if score < pack.class_thresholds[name])
    return next(below, CLIENT_CLASSES[-1])


def score_text(score: float) -> str:
    """Return a score as people read it: whole, or with one decimal where it is not whole."""
    return f"{round(score, 1):g}"


def _binding_side(capacity: float, tolerance: float) -> BindingSide:
    if capacity == tolerance:
        return "EQUAL"
    return "CAPACITY" if capacity < tolerance else "TOLERANCE"


def _reason(capacity: float, tolerance: float, side: BindingSide, client_class: ClientClass) -> Text:
    a, b, words = score_text(capacity), score_text(tolerance), _SIDES[side]
    return Text(
        f"capacity {a}, tolerance {b}: {words.en}, {client_class}",
        f"承受能力 {a}，承受意愿 {b}：{words.zh}，{client_class}",
    )


def _outdated(answered: Questionnaire, newest: Questionnaire, pack: RulePack) -> Iterator[Finding]:
    if answered.id != newest.id:
        yield found(
            pack,
            "R05",
            Text(
                f"Questionnaire {answered.id} was answered, {newest.id} is in force: have the client answer that one.",
                f"客户填写的是问卷 {answered.id}，现行问卷为 {newest.id}：请客户重新填写。",
            ),
            answered.id,
        )


def _contradictions(questionnaire: Questionnaire, answers: Mapping[str, str], pack: RulePack) -> Iterator[Finding]:
    for pair in questionnaire.inconsistencies:
        if pair.holds(dict(answers)):
            questions = ", ".join(pair.when)
            yield found(
                pack,
                "R06",
                Text(
                    f"{pair.text.en} Clear up with the client which of these answers holds: {questions}.",
                    f"{pair.text.zh}请与客户核实以下问题的答案：{questions}。",
                ),
                pair.id,
            )
