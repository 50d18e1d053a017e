"""A document in a Markdown file with front matter: a guide, or a factsheet of an overlay."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Self

import frontmatter
import yaml
from frontmatter.default_handlers import YAMLHandler
from pydantic import model_validator

from services.retrieval.formats.limits import DEEPEST_HEADER, LONGEST_HEADER
from services.retrieval.ingest.fields import (
    DocumentId,
    Jurisdiction,
    Language,
    ProductId,
    RiskLevelName,
    Text,
)
from services.retrieval.passage import Document, DocumentKind, TrustLevel
from shared.entries import Entry, StrictLoader, parse_entry, read_text
from shared.problems import KnowledgeBaseError, Problem

_OPENING = (
    yaml.BlockMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.FlowSequenceStartToken,
)
_CLOSING = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)


class Header(Entry):
    """The fields of a document: front matter between the lines `---`, or a file of its own beside the document."""

    id: DocumentId
    title: Text
    language: Language
    kind: DocumentKind
    product_id: ProductId | None = None
    jurisdictions: tuple[Jurisdiction, ...] = ()
    asset_classes: tuple[Text, ...] = ()
    risk_levels: tuple[RiskLevelName, ...] = ()
    source: Text
    issuer: Text | None = None
    licence: Text
    trust: TrustLevel
    effective: date | None = None
    expires: date | None = None
    topics: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if (self.kind is DocumentKind.FACTSHEET) != (self.product_id is not None):
            raise ValueError("product_id: required for a FACTSHEET and for nothing else")
        if self.effective and self.expires and self.expires <= self.effective:
            raise ValueError(f"expires: {self.expires} is not after effective, {self.effective}; correct either")
        return self


def read_markdown(path: Path, file: str) -> list[Document]:
    """Return the document in a file, as a list of one.

    file: the name used in errors. A file in a folder named like a language must be in that language.
    Raises KnowledgeBaseError.
    """
    metadata, content = front_matter(read_text(path, file), file)
    if not metadata:
        raise KnowledgeBaseError([Problem(file, "", "no front matter; begin with fields between two lines ---")])
    header = parse_entry(metadata, file, Header)
    folder = path.parent.name
    if folder in ("en", "zh") and folder != header.language:
        raise KnowledgeBaseError(
            [Problem(file, "language", f"found {header.language} in the folder {folder}; correct either")]
        )
    if not content.strip():
        raise KnowledgeBaseError([Problem(file, "", "no text after the front matter; write it")])
    return [document_of(header, content)]


def front_matter(text: str, file: str) -> tuple[dict[str, object], str]:
    """Return the fields at the top of a Markdown text, none where there are none, and the text below.

    Raises KnowledgeBaseError.
    """
    try:
        post = frontmatter.loads(text, handler=_StrictHandler())
    except (yaml.YAMLError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise KnowledgeBaseError([Problem(file, "", f"front matter is no YAML: {reason}; correct it")]) from error
    return post.metadata, post.content


class _StrictHandler(YAMLHandler):
    """Reads front matter as every other YAML of the knowledge base is read."""

    def load(self, fm: str, **_: object) -> Any:
        return load_fields(fm)


def load_fields(text: str) -> Any:
    """Return what a header in YAML says. Raises ValueError or YAMLError, also for one made to grow without end."""
    if len(text) > LONGEST_HEADER:
        raise ValueError(f"it holds {len(text)} characters, expected at most {LONGEST_HEADER}")
    depth = 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
        if isinstance(token, yaml.AliasToken) or depth > DEEPEST_HEADER:
            raise ValueError("it uses aliases or is nested too deeply, expected plain fields")
    return yaml.load(text, Loader=StrictLoader)


def document_of(header: Header, content: str) -> Document:
    """Return the document of this header and text."""
    return Document(
        id=header.id,
        title=header.title,
        language=header.language,
        kind=header.kind,
        text=content,
        source=header.source,
        licence=header.licence,
        trust=header.trust,
        product_id=header.product_id or "",
        asset_classes=header.asset_classes,
        risk_levels=header.risk_levels,
        jurisdictions=header.jurisdictions,
        effective=header.effective,
        expires=header.expires,
        issuer=header.issuer or "",
    )
