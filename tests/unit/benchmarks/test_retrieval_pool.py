from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.retrieval.pool import add, merge, pooled, read_judgements
from benchmarks.retrieval.questions import question_files, read_file
from services.retrieval.passage import Document, DocumentKind, Passage, TrustLevel


def _passage(document: str, heading: str, occurrence: int = 0) -> Passage:
    about = Document(
        id=document,
        title=document,
        language="en",
        kind=DocumentKind.GUIDE,
        text="words",
        source="",
        licence="",
        trust=TrustLevel.EXTERNAL,
    )
    return Passage(f"{document}#{heading}-{occurrence}", about, heading, "", 0, 5)


PASSAGES = [_passage("fees", "Cost"), _passage("fees", "Cost", 1), _passage("fees", "Who"), _passage("cash", "Why")]


def _raw(id_: str, split: str, kind: str, *sections: tuple[str, str]) -> dict[str, object]:
    source = [{"document": document, "heading": heading} for document, heading in sections]
    return {"id": id_, "split": split, "language": "en", "kind": kind, "text": f"About {id_}?", "source": source}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    raw = [
        _raw("q1", "test", "plain", ("fees", "Cost")),
        _raw("q2", "dev", "plain", ("cash", "Why")),
        _raw("q3", "test", "cross", ("cash", "Why")),
        _raw("q4", "test", "unanswerable"),
    ]
    file = tmp_path / "raw.jsonl"
    file.write_text("\n".join(json.dumps(one) for one in raw))
    add([file], PASSAGES, tmp_path / "data")
    return tmp_path / "data"


def _labels(data: Path) -> dict[str, frozenset[str]]:
    return {one.id: one.relevant for file in question_files(folder=data) for one in read_file(file)}


def test_added_questions_lie_by_split_and_group_with_their_sections_passages(data: Path) -> None:
    assert [file.stem for file in question_files(folder=data)] == [
        "dev-en",
        "test-cross",
        "test-en",
        "test-unanswerable",
    ]
    assert _labels(data) == {
        "q1": {"fees#Cost-0", "fees#Cost-1"},
        "q2": {"cash#Why-0"},
        "q3": {"cash#Why-0"},
        "q4": frozenset(),
    }


def test_merged_judgements_join_the_source_passages(data: Path, tmp_path: Path) -> None:
    judged = tmp_path / "judged.jsonl"
    judged.write_text('{"id": "q1", "relevant": ["fees#Who-0"]}\n{"id": "q2", "relevant": []}\n')

    merge(read_judgements([judged]), PASSAGES, data)

    assert _labels(data)["q1"] == {"fees#Cost-0", "fees#Cost-1", "fees#Who-0"}
    assert _labels(data)["q2"] == {"cash#Why-0"}


def test_merging_twice_changes_nothing(data: Path) -> None:
    judged = {"q1": frozenset({"fees#Who-0"})}
    merge(judged, PASSAGES, data)
    once = _labels(data)
    merge(judged, PASSAGES, data)

    assert _labels(data) == once


def test_an_answer_found_for_an_unanswerable_question_is_told_and_not_taken(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    merge({"q4": frozenset({"fees#Who-0"})}, PASSAGES, data)

    assert _labels(data)["q4"] == frozenset()
    assert "q4" in capsys.readouterr().out


def test_a_passage_that_does_not_exist_is_refused(data: Path) -> None:
    with pytest.raises(ValueError, match="q1: no passage fees#Gone-0"):
        merge({"q1": frozenset({"fees#Gone-0"})}, PASSAGES, data)


def test_a_section_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "raw.jsonl"
    file.write_text(json.dumps(_raw("q1", "test", "plain", ("fees", "Gone"))))

    with pytest.raises(ValueError, match="q1: no section 'Gone' in fees"):
        add([file], PASSAGES, tmp_path / "data")


def test_two_judges_join(tmp_path: Path) -> None:
    files = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    files[0].write_text('{"id": "q1", "relevant": ["x"]}')
    files[1].write_text('{"id": "q1", "relevant": ["y"]}')

    assert read_judgements(files) == {"q1": {"x", "y"}}


def test_a_pool_holds_each_candidate_once_in_an_order_that_depends_on_the_question_alone() -> None:
    first = pooled([["a", "b", "c"], ["c", "d", "e"]], "q1")

    assert sorted(first) == ["a", "b", "c", "d", "e"]
    assert first == pooled([["e", "d"], ["a", "b", "c"]], "q1")
    assert any(pooled([list("abcde")], f"q{number}") != first for number in range(2, 6))
