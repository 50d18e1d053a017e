"""The questions that a document's sections answer, in a file beside the documents: `asked/<document id>.yaml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import Field

from services.retrieval.ingest.fields import LANGUAGES
from services.retrieval.passage import Asked, Document
from services.retrieval.sections import sections_of
from shared.entries import Entry, read_entry
from shared.problems import KnowledgeBaseError, Problem, file_name

ASKED_FOLDER = "asked"
_MOST = 10
_LONGEST = 300

_Question = Annotated[str, Field(min_length=1, max_length=_LONGEST)]
_Questions = Annotated[tuple[_Question, ...], Field(max_length=_MOST)]


class _Section(Entry):
    en: _Questions = ()
    zh: _Questions = ()


def with_asked(kb: Path, path: Path, documents: Mapping[str, Document]) -> Document:
    """Return the document that a file is about with the questions in it, by section and language.

    Raises KnowledgeBaseError where there is no such document or section.
    """
    file = file_name(kb, path)
    document = documents.get(path.stem)
    if document is None:
        raise KnowledgeBaseError([Problem(file, "", f"there is no document {path.stem}; name the file after one")])
    sections = read_entry(path, file, dict[str, _Section])
    headings = {section.heading for section in sections_of(document.text)}
    if unknown := [heading for heading in sections if heading not in headings]:
        raise KnowledgeBaseError(
            [Problem(file, heading, f"is no heading of {document.id}; correct it") for heading in unknown]
        )
    return replace(document, asked=tuple(_asked(sections)))


def _asked(sections: Mapping[str, _Section]) -> Iterator[Asked]:
    return (
        Asked(heading, language, text)
        for heading, section in sections.items()
        for language in LANGUAGES
        for text in getattr(section, language)
    )
