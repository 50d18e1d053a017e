"""What is searched and asked: our own knowledge base and public sets, each as an index and labelled questions."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.retrieval.questions import Question, Split, read_questions
from services.retrieval.encoder import Encoder, FoundEncoder
from services.retrieval.ingest.build import Builder
from services.retrieval.ingest.library import read_documents
from services.retrieval.jieba_segmenter import JiebaSegmenter
from services.retrieval.passage import Document, DocumentKind, Passage, TrustLevel
from services.retrieval.snapshot import Snapshot
from services.retrieval.snapshot_folder import load_snapshot

_ROOT = Path(__file__).parents[2]
# Public sets lie beside the checkout or where this names them; they are not part of the project.
_PUBLIC = Path(os.environ.get("FIDUCIA_RETRIEVAL_SETS", _ROOT.parent / "shared" / "data" / "retrieval"))
_CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "fiducia" / "benchmarks" / "retrieval"
PUBLIC_SETS = {"tatqa_text": "en", "fintruthqa_zh": "zh"}
_WORKERS = os.cpu_count() or 1


@dataclass(frozen=True)
class LabelledSet:
    """An index and questions over it.

    unit: what a question's labels name: the passage or its document.
    """

    name: str
    snapshot: Snapshot
    questions: list[Question]
    unit: Callable[[Passage], str]


def own_index(encoders: tuple[FoundEncoder, ...]) -> LabelledSet:
    """Return the knowledge base, without questions."""
    snapshot = _snapshot("kb", read_documents(_ROOT / "kb"), encoders)
    return LabelledSet("fiducia", snapshot, [], lambda passage: passage.id)


def own_set(split: Split, encoders: tuple[FoundEncoder, ...]) -> LabelledSet:
    """Return the knowledge base with one split of our questions."""
    return replace(own_index(encoders), name=f"fiducia-{split}", questions=read_questions(split))


def public_set(name: str, encoders: tuple[FoundEncoder, ...]) -> LabelledSet | None:
    """Return a public set, None where its files are not here."""
    folder = _PUBLIC / name
    if not folder.is_dir():
        return None
    language = PUBLIC_SETS[name]
    documents = [_document(line, language) for line in _lines(folder / "corpus.jsonl")]
    snapshot = _snapshot(name, sorted(documents, key=lambda one: one.id), encoders)
    return LabelledSet(name, snapshot, _questions(folder, language), lambda passage: passage.document.id)


def _snapshot(name: str, documents: Iterable[Document], encoders: tuple[FoundEncoder, ...]) -> Snapshot:
    root = _CACHE / name
    digest = Builder(root, encoders, JiebaSegmenter, _WORKERS, _tell(name)).build(tuple(documents))
    return load_snapshot(root / digest, encoders, JiebaSegmenter())


def _tell(name: str) -> Callable[[str, object], None]:
    def tell(event: str, details: object) -> None:
        print(f"\r\033[K{name}: {event} {details}", end="", file=sys.stderr, flush=True)

    return tell


def _document(value: dict[str, str], language: str) -> Document:
    return Document(
        id=value["_id"],
        title=value["title"],
        language=language,
        kind=DocumentKind.DOCUMENT,
        # A paragraph of plain text: what looks like a heading or a table in it is not one.
        text=" ".join(value["text"].split()).lstrip("#>-+*=| ") or "-",
        source="public set",
        licence="",
        trust=TrustLevel.EXTERNAL,
    )


def _questions(folder: Path, language: str) -> list[Question]:
    with (folder / "qrels.tsv").open() as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if int(row["score"]) > 0]
    labels: dict[str, set[str]] = {}
    for row in rows:
        labels.setdefault(row["query-id"], set()).add(row["corpus-id"])
    return [
        Question(one["_id"], one["text"], language, "plain", frozenset(labels[one["_id"]]))
        for one in _lines(folder / "queries.jsonl")
        if one["_id"] in labels
    ]


def _lines(file: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def open_all(encoders: tuple[FoundEncoder, ...]) -> list[Encoder]:
    """Return the encoders, loaded."""
    return [found.open() for found in encoders]
