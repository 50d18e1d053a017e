"""Pools for judging what answers a question, and what the judges said.

    python -m benchmarks.retrieval.pool add FILE...     take questions with their source sections into data/
    python -m benchmarks.retrieval.pool write FOLDER    write what is to be judged, in batches
    python -m benchmarks.retrieval.pool merge FILE...   take judgements into data/

A pool holds the ten best of every system for one question (Voorhees and Harman 2005, TREC, chapter 2), shuffled, and
says nothing of systems or ranks. A judge answers with a line {"id": question, "relevant": [passage ids]}. Relevant is
what a judge says and the section that the question was written from.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.retrieval.peers_run import run_peers
from benchmarks.retrieval.questions import (
    DATA,
    Question,
    Section,
    parse_question,
    question_files,
    read_file,
    write_questions,
)
from benchmarks.retrieval.sets import LabelledSet, open_all, own_index
from benchmarks.retrieval.systems import systems_of
from services.retrieval.encoders.chosen import find_encoders
from services.retrieval.passage import Passage
from services.retrieval.relevance_file import relevance_for
from services.retrieval.search import Engine
from services.retrieval.settings import RetrievalSettings

_BATCH = 25
_SEED = 20261122


def main(arguments: Sequence[str] | None = None) -> int:
    """Do one of the steps; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retrieval.pool")
    steps = parser.add_subparsers(dest="step", required=True)
    for name in ("add", "merge"):
        steps.add_parser(name).add_argument("files", type=Path, nargs="+")
    steps.add_parser("write").add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    found = find_encoders(RetrievalSettings().retrieval_encoders)
    index = own_index(found)
    if options.step == "add":
        add(options.files, index.snapshot.passages)
    elif options.step == "merge":
        merge(read_judgements(options.files), index.snapshot.passages)
    else:
        engine = Engine(open_all(found), relevance_for([one.name for one in found], None))
        _write(options.folder, index, engine)
    return 0


def add(files: Iterable[Path], passages: Sequence[Passage], folder: Path = DATA) -> None:
    """Write questions that name their split into the data files, replacing those; a source section is relevant."""
    groups: defaultdict[str, list[Question]] = defaultdict(list)
    for file in files:
        for line in file.read_text().splitlines():
            value: dict[str, Any] = json.loads(line)
            question = parse_question(value)
            group = question.kind if question.kind in ("cross", "unanswerable") else question.language
            groups[f"{value['split']}-{group}"].append(question)
    folder.mkdir(exist_ok=True)
    for name, questions in groups.items():
        write_questions(folder / f"{name}.jsonl", labelled(questions, {}, passages))


def labelled(
    questions: Sequence[Question], judged: Mapping[str, frozenset[str]], passages: Sequence[Passage]
) -> list[Question]:
    """Return the questions with what answers them. Raises ValueError where a section or a passage does not exist."""
    by_section = passages_by_section(passages)
    known = {passage.id for passage in passages}
    faults = [
        f"{one.id}: no section {section.heading!r} in {section.document}"
        for one in questions
        for section in one.source
        if section not in by_section
    ]
    faults += [f"{id}: no passage {passage}" for id in judged for passage in sorted(judged[id] - known)]
    if faults:
        raise ValueError("\n".join(faults))
    return [
        replace(
            one,
            relevant=frozenset(id for section in one.source for id in by_section[section]) | judged.get(one.id, set()),
        )
        for one in questions
    ]


def passages_by_section(passages: Iterable[Passage]) -> dict[Section, list[str]]:
    """Return the ids of the passages of every section."""
    found: defaultdict[Section, list[str]] = defaultdict(list)
    for passage in passages:
        found[Section(passage.document.id, passage.heading)].append(passage.id)
    return dict(found)


def read_judgements(files: Iterable[Path]) -> dict[str, frozenset[str]]:
    """Return the passages that any judge found relevant, by question."""
    judged: defaultdict[str, frozenset[str]] = defaultdict(frozenset)
    for file in files:
        for line in file.read_text().splitlines():
            value = json.loads(line)
            judged[value["id"]] |= frozenset(value["relevant"])
    return dict(judged)


def merge(judged: Mapping[str, frozenset[str]], passages: Sequence[Passage], folder: Path = DATA) -> None:
    """Write the labels into the data files; say what was not judged, and which unanswerable questions have answers."""
    files = {file: read_file(file) for file in question_files(folder=folder)}
    everything = {one.id: one for questions in files.values() for one in questions}
    if strangers := sorted(judged.keys() - everything.keys()):
        raise ValueError(f"judgements of unknown questions: {', '.join(strangers)}")
    answered = sorted(id for id, some in judged.items() if some and everything[id].kind == "unanswerable")
    kept = {id: some for id, some in judged.items() if id not in answered}
    for file, questions in files.items():
        write_questions(file, labelled(questions, kept, passages))
    open_ones = [id for id, one in everything.items() if one.kind != "unanswerable" and id not in judged]
    print(f"{len(judged)} questions judged; not yet: {len(open_ones)} ({', '.join(open_ones[:5])} …)")
    print(f"unanswerable, yet a judge found an answer; not taken over: {', '.join(answered) or 'none'}")


def pooled(rankings: Iterable[Sequence[str]], question: str) -> list[str]:
    """Return the units that any ranking holds, in an order that says nothing and is the same for a question's id."""
    pool = sorted({unit for ranking in rankings for unit in ranking})
    random.Random(f"{_SEED} {question}").shuffle(pool)
    return pool


def _write(folder: Path, index: LabelledSet, engine: Engine) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    passages = {passage.id: passage for passage in index.snapshot.passages}
    for group in sorted({file.stem.split("-", 1)[1] for file in question_files()}):
        questions = [one for file in question_files() if file.stem.endswith(f"-{group}") for one in read_file(file)]
        asked = replace(index, questions=questions)
        rankings = {name: rank(asked, engine) for name, rank in systems_of(index.snapshot).items()}
        rankings |= run_peers(asked, engine.encoders)
        lines = [
            _line(one, [passages[id] for id in pooled(of_one, one.id)])
            for one, of_one in zip(
                questions, zip(*(ranking.units for ranking in rankings.values()), strict=True), strict=True
            )
        ]
        for number, start in enumerate(range(0, len(lines), _BATCH), 1):
            (folder / f"{group}-{number:02}.jsonl").write_text("".join(lines[start : start + _BATCH]))
        print(f"{group}: {len(lines)} questions, from {', '.join(rankings)}", file=sys.stderr)


def _line(question: Question, pool: Iterable[Passage]) -> str:
    candidates = [
        {"passage_id": one.id, "title": one.document.title, "heading": one.heading, "text": one.text} for one in pool
    ]
    return json.dumps({"id": question.id, "text": question.text, "candidates": candidates}, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
