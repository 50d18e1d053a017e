"""The shape of a risk questionnaire: questions, contradictions between answers, and how it is scored."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from services.orchestrator.catalogue.rules import BilingualText, require_unique
from shared.assumptions import Origin
from shared.entries import Entry

Dimension = Literal["CAPACITY", "TOLERANCE", "KNOWLEDGE"]
Key = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]

SCORED: tuple[Dimension, ...] = ("CAPACITY", "TOLERANCE")


class Option(Entry):
    """One answer to a question; more points mean more room for risk."""

    id: Key
    text: BilingualText
    points: Annotated[int, Field(ge=0, le=100)]


class Question(Entry):
    """One question with one answer. KNOWLEDGE is never scored; it only serves to find contradictions."""

    id: Key
    dimension: Dimension
    text: BilingualText
    options: Annotated[list[Option], Field(min_length=2)]

    @model_validator(mode="after")
    def _has_unique_options(self) -> Self:
        require_unique("options", [option.id for option in self.options])
        return self

    def option(self, option_id: str) -> Option | None:
        """Return the option with this id, or None if the question has none."""
        return next((option for option in self.options if option.id == option_id), None)


class Inconsistency(Entry):
    """Answers that contradict each other: it holds when each question named has one of the options named."""

    id: Key
    when: Annotated[dict[str, Annotated[list[str], Field(min_length=1)]], Field(min_length=2)]
    text: BilingualText

    def holds(self, answers: dict[str, str]) -> bool:
        """Return whether these answers, option id by question id, contradict each other in this way."""
        return all(answers.get(question) in options for question, options in self.when.items())


class Questionnaire(Origin):
    """A versioned questionnaire. A profile confirmed by the client is valid for `valid_days`."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    version: Annotated[str, Field(min_length=1)]
    label: Literal["ILLUSTRATIVE", "APPROVED"]
    title: BilingualText
    valid_days: Annotated[int, Field(gt=0)]
    scoring: BilingualText
    questions: Annotated[list[Question], Field(min_length=1)]
    inconsistencies: list[Inconsistency]

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        require_unique("questions", [question.id for question in self.questions])
        require_unique("inconsistencies", [pair.id for pair in self.inconsistencies])
        for dimension in SCORED:
            _require_spread(dimension, *self.point_range(dimension))
        for pair in self.inconsistencies:
            _require_known_answers(pair, self)
        return self

    def question(self, question_id: str) -> Question | None:
        """Return the question with this id, or None if there is none."""
        return next((question for question in self.questions if question.id == question_id), None)

    def point_range(self, dimension: Dimension) -> tuple[int, int]:
        """Return the smallest and the largest sum of points that answers in this dimension can reach."""
        points = [[o.points for o in q.options] for q in self.questions if q.dimension == dimension]
        return sum(map(min, points)), sum(map(max, points))


def _require_spread(dimension: Dimension, lowest: int, highest: int) -> None:
    if lowest == highest:
        raise ValueError(f"questions: no answer in {dimension} changes its score; add a question with different points")


def _require_known_answers(pair: Inconsistency, questionnaire: Questionnaire) -> None:
    for question_id, option_ids in pair.when.items():
        question = questionnaire.question(question_id)
        if question is None:
            raise ValueError(f"inconsistencies.{pair.id}.when: unknown question {question_id}; name one of questions")
        unknown = [key for key in option_ids if question.option(key) is None]
        if unknown:
            raise ValueError(f"inconsistencies.{pair.id}.when.{question_id}: unknown option {', '.join(unknown)}")
