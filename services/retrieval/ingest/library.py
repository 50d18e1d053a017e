"""All documents of a knowledge base, with those of an overlay in front of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from services.retrieval.ingest.entry import collect, read_text, read_yaml
from services.retrieval.ingest.factsheet import read_factsheets
from services.retrieval.ingest.markdown_file import read_markdown
from services.retrieval.ingest.problems import IngestRefused, Problem
from services.retrieval.passage import Document

_Found = list[tuple[str, Document]]


def read_documents(kb: Path, overlay: Path | None = None) -> tuple[Document, ...]:
    """Return the documents by id: guides and factsheets of `kb`, replaced or extended by those of `overlay`.

    kb:      folder with products/, guides/ and assumptions/.
    overlay: folder with guides/ and factsheets/ in Markdown; a document there replaces the one of the same id.
    Raises IngestRefused with every problem of every file.
    """
    if not kb.is_dir():
        raise IngestRefused([Problem(str(kb), "", "no such folder; name the folder of the knowledge base")])
    base, problems = _base(kb)
    over, more = _overlay(overlay) if overlay else ([], [])
    problems += more + _doubles(base) + _doubles(over)
    classes, faults = _asset_classes(kb)
    problems += faults or _unknown_classes([*base, *over], classes)
    if not base and not problems:
        problems.append(Problem(kb.name, "", "holds no products and no guides; name the folder of the knowledge base"))
    if problems:
        raise IngestRefused(problems)
    documents = {document.id: document for _, document in (*base, *over)}
    return tuple(documents[key] for key in sorted(documents))


def _base(kb: Path) -> tuple[_Found, list[Problem]]:
    guides, problems = _read(kb, "guides", "*.md", read_markdown)
    sheets, more = _read(kb, "products", "*.yaml", read_factsheets)
    return guides + sheets, problems + more


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
        file = f"{root.name}/{path.relative_to(root).as_posix()}"
        return [(file, document) for document in read(path, file)]

    return collect(sorted((root / folder).rglob(pattern)), read_one)


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
        file = f"{kb.name}/{path.relative_to(kb).as_posix()}"
        classes = read_yaml(read_text(path, file), file).get("classes")
        if not isinstance(classes, dict):
            raise IngestRefused([Problem(file, "classes", "missing; list the asset classes")])
        return list(classes)

    files = sorted((kb / "assumptions").glob("*.yaml"))
    if not files:
        return frozenset(), [Problem(f"{kb.name}/assumptions", "", "no *.yaml; add the assumptions")]
    classes, problems = collect(files, read_one)
    return frozenset(classes), problems


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
