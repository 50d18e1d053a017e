"""What must be true of a situation before any work starts: every violation at once, each with its path."""

from __future__ import annotations

from collections.abc import Iterator

from services.orchestrator.catalogue.load import Catalogue
from services.orchestrator.catalogue.questionnaire import Question, Questionnaire
from services.orchestrator.holdings_check import holding_violations, money_violations
from services.orchestrator.preferences_check import preference_violations
from services.orchestrator.situation import GOAL_KINDS, ClientSituation, QuestionnaireResponse
from services.orchestrator.suitability.score import answered_questionnaire
from shared.errors import FieldViolation, InvalidRequest

CURRENCY_OF = {"US": "USD", "CN": "CNY"}
LANGUAGES = ("en", "zh")
# The horizons that the capital-market assumptions and the contract allow, in years.
HORIZON_YEARS = (1.0, 60.0)
# A reference is shown in one column of a list.
_REFERENCE_LENGTH = 200


def check_situation(situation: ClientSituation, catalogue: Catalogue, path: str = "situation") -> None:
    """Raise InvalidRequest with every violation, if there is one."""
    violations = situation_violations(situation, catalogue, path)
    if violations:
        raise InvalidRequest(violations)


def situation_violations(
    situation: ClientSituation, catalogue: Catalogue, path: str = "situation"
) -> tuple[FieldViolation, ...]:
    """Return everything that is wrong with a situation, in the order of its fields."""
    return (
        *_place_violations(situation, catalogue, path),
        *_questionnaire_violations(situation.questionnaire, catalogue, f"{path}.questionnaire"),
        *_goal_violations(situation, f"{path}.goal"),
        *holding_violations(situation, catalogue, f"{path}.holdings"),
        *_cash_violations(situation, f"{path}.cash"),
        *preference_violations(situation, catalogue, f"{path}.preferences"),
    )


def _place_violations(situation: ClientSituation, catalogue: Catalogue, path: str) -> Iterator[FieldViolation]:
    if len(situation.reference) > _REFERENCE_LENGTH:
        found = f"{len(situation.reference)} characters"
        yield FieldViolation(f"{path}.reference", f"{found}, expected at most {_REFERENCE_LENGTH}; shorten it")
    packs: list[str] = sorted(catalogue.packs)
    if situation.jurisdiction not in packs:
        yield _one_of(f"{path}.jurisdiction", situation.jurisdiction, packs, "there are no rules for other countries")
    currencies = sorted(CURRENCY_OF.values())
    expected = CURRENCY_OF.get(situation.jurisdiction)
    if situation.base_currency not in currencies:
        yield _one_of(f"{path}.base_currency", situation.base_currency, currencies, "state all sums in it")
    elif expected and situation.base_currency != expected:
        found = f"found {situation.base_currency} for a client in {situation.jurisdiction}"
        yield FieldViolation(f"{path}.base_currency", f"{found}, expected {expected}; state all sums in {expected}")
    if situation.language not in LANGUAGES:
        yield _one_of(f"{path}.language", situation.language, LANGUAGES, "it is the language of the advice")


def _one_of(field: str, found: str, expected: list[str] | tuple[str, ...], hint: str) -> FieldViolation:
    return FieldViolation(field, f'found "{found}", expected {" or ".join(expected)}; {hint}')


def _questionnaire_violations(
    response: QuestionnaireResponse, catalogue: Catalogue, path: str
) -> Iterator[FieldViolation]:
    questionnaire = answered_questionnaire(response, catalogue)
    if questionnaire is None:
        known = sorted(catalogue.questionnaires)
        field = f"{path}.questionnaire_id"
        yield _one_of(field, response.questionnaire_id, known, "leave it empty for the newest")
        return
    seen: set[str] = set()
    for i, answer in enumerate(response.answers):
        question = questionnaire.question(answer.question_id)
        yield from _answer_violations(question, answer.question_id, answer.option_id, seen, f"{path}.answers[{i}]")
        seen.add(answer.question_id)
    yield from _unanswered(questionnaire, seen, f"{path}.answers")


def _answer_violations(
    question: Question | None, question_id: str, option_id: str, seen: set[str], path: str
) -> Iterator[FieldViolation]:
    if question is None:
        hint = "use the questions of the questionnaire"
        yield FieldViolation(f"{path}.question_id", f'unknown question "{question_id}"; {hint}')
        return
    if question_id in seen:
        yield FieldViolation(f"{path}.question_id", f'"{question_id}" is answered twice; keep one answer')
    if question.option(option_id) is None:
        found = f'found "{option_id}" for "{question_id}"'
        yield FieldViolation(f"{path}.option_id", f"{found}, expected one of {_options(question)}; choose one")


def _unanswered(questionnaire: Questionnaire, answered: set[str], path: str) -> Iterator[FieldViolation]:
    for question in questionnaire.questions:
        if question.id not in answered:
            words = f'"{question.id}" is not answered ({question.text.en})'
            yield FieldViolation(path, f"{words}; choose one of {_options(question)}")


def _options(question: Question) -> str:
    return ", ".join(option.id for option in question.options)


def _goal_violations(situation: ClientSituation, path: str) -> Iterator[FieldViolation]:
    if situation.goal.kind not in GOAL_KINDS:
        yield FieldViolation(f"{path}.kind", f"not stated, expected one of {', '.join(GOAL_KINDS)}; state the purpose")
    low, high = HORIZON_YEARS
    years = situation.goal.horizon_years
    if not low <= years <= high:  # NaN fails as well.
        expected = f"expected {low:g} to {high:g} years"
        yield FieldViolation(f"{path}.horizon_years", f"found {years:g}, {expected}; state when the money is needed")


def _cash_violations(situation: ClientSituation, path: str) -> Iterator[FieldViolation]:
    if situation.cash is not None:
        yield from money_violations(situation.cash, situation.base_currency, path)
        if situation.cash.amount.is_finite() and situation.cash.amount < 0:
            yield FieldViolation(path, f"found {situation.cash.amount}, expected at least 0; debts are not invested")
    has_cash = situation.cash is not None and situation.cash.amount != 0
    if not has_cash and not situation.holdings:
        yield FieldViolation(path, "there is nothing to invest: no holdings and no cash; give at least one of them")
