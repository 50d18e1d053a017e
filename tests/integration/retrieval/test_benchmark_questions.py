"""The questions of the benchmark are what its documentation says."""

from __future__ import annotations

import re
from pathlib import Path

import jieba
import pytest

from benchmarks.retrieval.overlap import LONGEST_RUN, longest_shared_run
from benchmarks.retrieval.pool import passages_by_section
from benchmarks.retrieval.questions import Question, read_questions
from services.retrieval.chunk import passages_of
from services.retrieval.encoder import Encoder
from services.retrieval.ingest.library import read_documents
from services.retrieval.ingest.limits import Strictest
from services.retrieval.language import HAN
from services.retrieval.passage import Passage

KB = Path(__file__).parents[3] / "kb"
# Of the test split; the development split has half of each.
LEAST = {"answerable": 300, "product": 100, "cross": 150, "unanswerable": 150}


@pytest.fixture(scope="module")
def passages(opened: list[Encoder]) -> dict[str, Passage]:
    counter = Strictest(opened)
    return {passage.id: passage for document in read_documents(KB) for passage in passages_of(document, counter)}


def _counts(questions: list[Question]) -> dict[str, int]:
    def count(*kinds: str) -> int:
        return sum(one.kind in kinds for one in questions)

    return {
        "answerable": count("plain", "product"),
        "product": count("product"),
        "cross": count("cross"),
        "unanswerable": count("unanswerable"),
    }


def test_the_splits_are_large_enough() -> None:
    test, dev = _counts(read_questions("test")), _counts(read_questions("dev"))

    assert all(test[kind] >= least for kind, least in LEAST.items()), test
    assert all(dev[kind] >= least // 2 for kind, least in LEAST.items()), dev


def test_half_of_the_questions_are_chinese() -> None:
    for questions in (read_questions("test"), read_questions("dev")):
        for kind in ("plain", "product", "cross", "unanswerable"):
            languages = [one.language for one in questions if one.kind == kind]
            assert languages.count("zh") == pytest.approx(len(languages) / 2, abs=0.05 * len(languages))


def test_no_question_stands_twice() -> None:
    questions = [*read_questions("test"), *read_questions("dev")]

    assert len({one.id for one in questions}) == len({one.text for one in questions}) == len(questions)


def test_every_relevant_passage_is_in_the_knowledge_base(passages: dict[str, Passage]) -> None:
    gone = {
        one.id: sorted(one.relevant - passages.keys())
        for one in [*read_questions("test"), *read_questions("dev")]
        if one.relevant - passages.keys()
    }

    assert gone == {}


def test_questions_have_answers_unless_they_are_unanswerable(passages: dict[str, Passage]) -> None:
    sections = passages_by_section(passages.values())
    for one in [*read_questions("test"), *read_questions("dev")]:
        assert bool(one.relevant) == bool(one.source) == (one.kind != "unanswerable"), one.id
        assert {id_ for section in one.source for id_ in sections[section]} <= one.relevant, one.id


def test_cross_lingual_questions_are_answered_in_the_other_language(passages: dict[str, Passage]) -> None:
    by_document = {passage.document.id: passage.document.language for passage in passages.values()}
    for one in [*read_questions("test"), *read_questions("dev")]:
        for section in one.source:
            assert (by_document[section.document] != one.language) == (one.kind == "cross"), one.id


def test_no_question_shares_four_consecutive_words_with_its_passage(passages: dict[str, Passage]) -> None:
    sections = passages_by_section(passages.values())
    runs = {
        one.id: longest_shared_run(one.text, f"{passage.heading} {passage.text}", _cut)
        for one in [*read_questions("test"), *read_questions("dev")]
        for section in one.source
        for passage in (passages[id_] for id_ in sections[section])
        if passage.document.language == one.language
    }

    assert {id_: run for id_, run in runs.items() if run > LONGEST_RUN} == {}


def test_no_known_question_repeats_a_question_of_the_benchmark(passages: dict[str, Passage]) -> None:
    asked = [*read_questions("test"), *read_questions("dev")]
    runs = {run for one in asked for run in _runs(one.text)}
    known = {one.text for passage in passages.values() for one in passage.document.asked}

    assert [text for text in known if not runs.isdisjoint(_runs(text))] == []


def test_what_is_learned_from_is_not_measured() -> None:
    measured = {one.text for one in [*read_questions("test"), *read_questions("dev")]}

    assert measured.isdisjoint(one.text for one in read_questions("learn"))


def _cut(text: str) -> list[str]:
    return list(jieba.cut(text, HMM=False))


def _runs(text: str) -> set[str]:
    """Return the stretches of five English words and of eight Chinese characters in a text."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    han = "".join(re.findall(f"[{HAN}]", text))
    stretches = {" ".join(words[start : start + 5]) for start in range(len(words) - 4)}
    return stretches | {han[start : start + 8] for start in range(len(han) - 7)}
