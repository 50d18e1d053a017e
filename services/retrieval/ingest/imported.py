"""What a document of any format says about itself, what stands beside it, and what its importer assumes."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from services.retrieval.flags import flags_of
from services.retrieval.formats.extract import Extract
from services.retrieval.ingest.fields import Jurisdiction, Language
from services.retrieval.ingest.markdown_file import Header, document_of, front_matter
from services.retrieval.language import language_of
from services.retrieval.passage import Document, DocumentKind, TrustLevel
from services.retrieval.sections import sections_of
from shared.entries import parse_entry
from shared.problems import KnowledgeBaseError, Problem

_TABLES = (".csv", ".tsv")
MARKDOWN = (".md", ".markdown")
_HEADING = re.compile(r"^#{1,6} +(\S.*)$", re.MULTILINE)
# A longer one is a paragraph that a program took for a title.
_LONGEST_TITLE = 200
_LONGEST_ID = 100
_ID_DIGITS = 8
_NOT_IN_ID = re.compile(r"[^A-Za-z0-9]+")
# What separates words in a file's name, and may become a hyphen without two names becoming one.
_SEPARATORS = re.compile(r"[A-Za-z0-9/._ -]+")
# From the least trusted to the most.
_TRUST = (TrustLevel.QUARANTINED, TrustLevel.EXTERNAL, TrustLevel.ISSUER, TrustLevel.FIRM_APPROVED)


@dataclass(frozen=True)
class Defaults:
    """What holds for a document where neither its sidecar nor, in Markdown, its front matter says otherwise.

    An empty text or None means that there is no default: title and issuer are then the file's own, the language
    follows from the characters, and a document without source or licence is refused.
    """

    source: str = ""
    licence: str = ""
    issuer: str = ""
    language: Language | None = None
    kind: DocumentKind = DocumentKind.DOCUMENT
    trust: TrustLevel = TrustLevel.EXTERNAL
    jurisdictions: tuple[Jurisdiction, ...] = ()
    asset_classes: tuple[str, ...] = ()
    collection: str = "import"


@dataclass(frozen=True)
class Sidecar:
    """The fields in the file beside a document, and that file's name for errors."""

    file: str
    fields: dict[str, Any]


def imported(relative: PurePosixPath, file: str, extract: Extract, sidecar: Sidecar, defaults: Defaults) -> Document:
    """Return the document in a file.

    relative: its path within the folder.  file: its name in errors.
    A field comes from the sidecar, else from front matter, else from the defaults, else from the file's own
    properties. Front matter cannot claim more trust than the defaults give: it is part of what is to be trusted.
    Raises KnowledgeBaseError.
    """
    is_markdown = relative.suffix.lower() in MARKDOWN
    within, text = front_matter(extract.text, file) if is_markdown else ({}, extract.text)
    if not text.strip():
        raise KnowledgeBaseError([Problem(file, "", "no text after the front matter; write it")])
    if not sections_of(text):
        raise KnowledgeBaseError([Problem(file, "", "has headings and no text below them; write it")])
    fields = {**_derived(relative, extract, text), **_stated(defaults), **within, **sidecar.fields}
    header = _header(fields, file, sidecar)
    if "trust" not in sidecar.fields and _TRUST.index(header.trust) > _TRUST.index(defaults.trust):
        reason = f"the file itself claims {header.trust}, its import gives {defaults.trust}; state it in {sidecar.file}"
        raise KnowledgeBaseError([Problem(file, "trust", reason)])
    flags = flags_of("", "", extract.unseen)
    return replace(document_of(header, text), collection=defaults.collection, pages=extract.pages, flags=flags)


def id_of(relative: PurePosixPath) -> str:
    """Return an id that a file's path gives: `funds/Fact sheet.pdf` is `funds-Fact-sheet-pdf`.

    Where letters are lost, as those of a Chinese name, a digest of the path keeps different files apart.
    """
    name = relative.as_posix()
    plain = _NOT_IN_ID.sub("-", name).strip("-")
    if _SEPARATORS.fullmatch(name) and 0 < len(plain) <= _LONGEST_ID:
        return plain
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:_ID_DIGITS]
    return f"{plain[: _LONGEST_ID - _ID_DIGITS - 1].strip('-') or 'document'}-{digest}"


def _derived(relative: PurePosixPath, extract: Extract, text: str) -> dict[str, Any]:
    # The first heading of a table is its first row.
    heading = None if relative.suffix.lower() in _TABLES else _HEADING.search(text)
    choices = (extract.title, heading[1].strip() if heading else "")
    name = relative.stem.encode("utf-8", "replace").decode()
    title = next((title for title in choices if 0 < len(title) <= _LONGEST_TITLE), name)
    own = {"id": id_of(relative), "title": title, "language": language_of(text)}
    return own | ({"issuer": extract.issuer} if extract.issuer else {})


def _stated(defaults: Defaults) -> dict[str, Any]:
    given = {name: value for name, value in vars(defaults).items() if value}
    given.pop("collection", None)
    return given


def _header(fields: dict[str, Any], file: str, sidecar: Sidecar) -> Header:
    try:
        return parse_entry(fields, file, Header)
    except KnowledgeBaseError as error:
        raise KnowledgeBaseError(_named(problem, fields, sidecar) for problem in error.problems) from error


def _named(problem: Problem, fields: dict[str, Any], sidecar: Sidecar) -> Problem:
    """Return the problem with the file that can be corrected."""
    field = problem.field.split(".")[0]
    if field in sidecar.fields:
        return replace(problem, file=sidecar.file)
    if field not in fields:
        return replace(problem, reason=f"missing; state it in {sidecar.file} or as a default of the import")
    return problem
