"""A document in a Markdown file with front matter: a guide, or a factsheet of an overlay."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Self

import frontmatter
import yaml
from frontmatter.default_handlers import YAMLHandler
from pydantic import model_validator

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


class Header(Entry):
    """The front matter between the lines `---`."""

    id: DocumentId
    title: Text
    language: Language
    kind: DocumentKind
    product_id: ProductId | None = None
    jurisdictions: tuple[Jurisdiction, ...] = ()
    asset_classes: tuple[Text, ...] = ()
    risk_levels: tuple[RiskLevelName, ...] = ()
    source: Text
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


class _StrictHandler(YAMLHandler):
    """Reads front matter as every other YAML of the knowledge base is read."""

    def load(self, fm: str, **_: object) -> Any:
        return yaml.load(fm, Loader=StrictLoader)


def read_markdown(path: Path, file: str) -> list[Document]:
    """Return the document in a file, as a list of one.

    file: the name used in errors. A file in a folder named like a language must be in that language.
    Raises KnowledgeBaseError.
    """
    metadata, content = _front_matter(path, file)
    header = parse_entry(metadata, file, Header)
    folder = path.parent.name
    if folder in ("en", "zh") and folder != header.language:
        raise KnowledgeBaseError(
            [Problem(file, "language", f"found {header.language} in the folder {folder}; correct either")]
        )
    if not content.strip():
        raise KnowledgeBaseError([Problem(file, "", "no text after the front matter; write it")])
    return [_document(header, content)]


def _front_matter(path: Path, file: str) -> tuple[dict[str, object], str]:
    try:
        post = frontmatter.loads(read_text(path, file), handler=_StrictHandler())
    except (yaml.YAMLError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise KnowledgeBaseError([Problem(file, "", f"front matter is no YAML: {reason}; correct it")]) from error
    if not post.metadata:
        raise KnowledgeBaseError([Problem(file, "", "no front matter; begin with fields between two lines ---")])
    return post.metadata, post.content


def _document(header: Header, content: str) -> Document:
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
    )
