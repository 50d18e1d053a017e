"""All documents of a knowledge base, with those of an overlay in front of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from itertools import chain
from pathlib import Path

from services.retrieval.ingest.asked_file import ASKED_FOLDER, with_asked
from services.retrieval.ingest.factsheet import read_factsheets
from services.retrieval.ingest.markdown_file import read_markdown
from services.retrieval.passage import Document
from shared.entries import collect, read_yaml
from shared.problems import KnowledgeBaseError, Problem, file_name

_Found = list[tuple[str, Document]]


def read_documents(kb: Path, overlay: Path | None = None) -> tuple[Document, ...]:
    """Return the documents by id: guides and factsheets of `kb`, replaced or extended by those of `overlay`.

    kb:      folder with products/, guides/, asked/ and assumptions/.
    overlay: folder with guides/ and factsheets/ in Markdown; a document there replaces the one of the same id.
    Raises KnowledgeBaseError with every problem of every file.
    """
    if not kb.is_dir():
        raise KnowledgeBaseError([Problem(str(kb), "", "no such folder; name the folder of the knowledge base")])
    base, problems = _base(kb)
    over, more = _overlay(overlay) if overlay else ([], [])
    problems += more + _doubles(base) + _doubles(over)
    classes, faults = _asset_classes(kb)
    problems += faults or _unknown_classes([*base, *over], classes)
    if not base and not problems:
        problems.append(Problem(str(kb), "", "holds no products and no guides; name the folder of the knowledge base"))
    if problems:
        raise KnowledgeBaseError(problems)
    documents = {document.id: document for _, document in (*base, *over)}
    return tuple(documents[key] for key in sorted(documents))


def _base(kb: Path) -> tuple[_Found, list[Problem]]:
    guides, problems = _read(kb, "guides", "*.md", read_markdown)
    sheets, more = _read(kb, "products", "*.yaml", read_factsheets)
    found = guides + sheets
    documents = {document.id: document for _, document in found}
    asked, faults = collect(sorted((kb / ASKED_FOLDER).glob("*.yaml")), lambda path: with_asked(kb, path, documents))
    documents |= {document.id: document for document in asked}
    return [(file, documents[document.id]) for file, document in found], problems + more + faults


def _overlay(overlay: Path) -> tuple[_Found, list[Problem]]:
    if not overlay.is_dir():
        return [], [Problem(str(overlay), "", "no such folder; name a folder with guides/ or factsheets/")]
    guides, problems = _read(overlay, "guides", "*.md", read_markdown)
    sheets, more = _read(overlay, "factsheets", "*.md", read_markdown)
    if not (guides or sheets or problems or more):
        more = [Problem(str(overlay), "", "holds no guides/*.md and no factsheets/*.md; add them")]
    return guides + sheets, problems + more


def _read(
    root: Path, folder: str, pattern: str, read: Callable[[Path, str], list[Document]]
) -> tuple[_Found, list[Problem]]:
    def read_one(path: Path) -> _Found:
        file = file_name(root, path)
        return [(file, document) for document in read(path, file)]

    found, problems = collect(sorted((root / folder).rglob(pattern)), read_one)
    return list(chain.from_iterable(found)), problems


def _doubles(found: _Found) -> list[Problem]:
    files: defaultdict[str, list[str]] = defaultdict(list)
    for file, document in found:
        files[document.id].append(file)
    return [
        Problem(file, "id", f"{key} is also the id of {names[0]}; rename one")
        for key, names in files.items()
        for file in names[1:]
    ]


def _asset_classes(kb: Path) -> tuple[frozenset[str], list[Problem]]:
    """Return the asset classes that the assumptions define: what a filter can ask for."""

    def read_one(path: Path) -> list[str]:
        file = file_name(kb, path)
        classes = read_yaml(path, file).get("classes")
        if not isinstance(classes, dict):
            raise KnowledgeBaseError([Problem(file, "classes", "missing; list the asset classes")])
        return list(classes)

    files = sorted((kb / "assumptions").glob("*.yaml"))
    if not files:
        return frozenset(), [Problem(file_name(kb, kb / "assumptions"), "", "no *.yaml; add the assumptions")]
    classes, problems = collect(files, read_one)
    return frozenset(chain.from_iterable(classes)), problems


def _unknown_classes(found: _Found, classes: frozenset[str]) -> list[Problem]:
    return [
        Problem(
            file,
            "asset_classes",
            f"{name} is not a class of assumptions/; expected one of {', '.join(sorted(classes))}",
        )
        for file, document in found
        for name in document.asset_classes
        if name not in classes
    ]
