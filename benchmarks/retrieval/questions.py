"""The labelled questions of the benchmark: what a client or an advisor asks, and which passages answer it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

DATA = Path(__file__).with_name("data")

Kind = Literal["plain", "product", "cross", "unanswerable"]
Split = Literal["dev", "test"]
# What is only learned from is in neither split.
Part = Split | Literal["learn"]
KINDS: tuple[Kind, ...] = ("plain", "product", "cross", "unanswerable")
SPLITS: tuple[Split, ...] = ("dev", "test")


@dataclass(frozen=True)
class Section:
    """A section of a document; heading: as a passage has it."""

    document: str
    heading: str


@dataclass(frozen=True)
class Question:
    """A question and the units that answer it; none for an unanswerable one.

    kind:     "product" names a product; "cross" is answered in the other language only.
    relevant: ids of passages, or of documents where a set labels those.
    source:   the sections that it was written from, in our own benchmark.
    """

    id: str
    text: str
    language: str
    kind: Kind
    relevant: frozenset[str]
    source: tuple[Section, ...] = ()


def question_files(part: Part | None = None, folder: Path = DATA) -> list[Path]:
    """Return the files of one part, or of all, in order."""
    return sorted(folder.glob(f"{part or '*'}-*.jsonl"))


def read_questions(part: Part) -> list[Question]:
    """Return the questions of one part of our own benchmark, by file and line."""
    return [one for file in question_files(part) for one in read_file(file)]


def read_file(file: Path) -> list[Question]:
    """Return the questions of a file. Raises ValueError where a line is none."""
    return [parse_question(json.loads(line)) for line in file.read_text().splitlines()]


def write_questions(file: Path, questions: Iterable[Question]) -> None:
    """Write questions as JSON lines."""
    file.write_text("".join(f"{json.dumps(_value(one), ensure_ascii=False)}\n" for one in questions))


def parse_question(value: dict[str, Any]) -> Question:
    """Return the question of a JSON object; without "relevant" nothing is known to answer it yet."""
    if value["kind"] not in KINDS:
        raise ValueError(f"{value['id']}: kind is {value['kind']!r}, expected one of {', '.join(KINDS)}")
    return Question(
        id=value["id"],
        text=value["text"],
        language=value["language"],
        kind=value["kind"],
        relevant=frozenset(value.get("relevant", ())),
        source=tuple(Section(one["document"], one["heading"]) for one in value["source"]),
    )


def _value(one: Question) -> dict[str, Any]:
    return {
        "id": one.id,
        "text": one.text,
        "language": one.language,
        "kind": one.kind,
        "relevant": sorted(one.relevant),
        "source": [{"document": section.document, "heading": section.heading} for section in one.source],
    }
