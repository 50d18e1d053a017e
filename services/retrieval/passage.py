"""The nouns of retrieval: a document of the knowledge base and a passage of it that can be found and cited."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property

# The collection of the guides and factsheets that the product is shipped with.
KNOWLEDGE_BASE = "kb"


class DocumentKind(StrEnum):
    """What a document is: a guide, the factsheet of one product, or a firm's or an issuer's own document."""

    GUIDE = "GUIDE"
    FACTSHEET = "FACTSHEET"
    DOCUMENT = "DOCUMENT"


class TrustLevel(StrEnum):
    """How far a document's words may be relied on."""

    FIRM_APPROVED = "FIRM_APPROVED"
    ISSUER = "ISSUER"
    EXTERNAL = "EXTERNAL"
    QUARANTINED = "QUARANTINED"


class PassageFlag(StrEnum):
    """What an import noticed about a passage."""

    INSTRUCTION_LIKE = "INSTRUCTION_LIKE"


@dataclass(frozen=True)
class Asked:
    """A question that the section under `heading` answers, as people would put it; searched and never shown."""

    heading: str
    language: str
    text: str


@dataclass(frozen=True)
class Document:
    """A text with its origin and the circumstances in which it may be used.

    text:     Markdown; passages are stretches of it.
    keywords: other words people use for its subject; they are searched and never shown.
    Empty asset_classes, risk_levels or jurisdictions mean that the document is not bound to any.
    In force from `effective` (None: always was) until the day before `expires` (None: open).
    issuer:     who issued it, as far as it is known; `source` says where it was had from.
    collection: the import it belongs to.
    pages:      offsets in code points where each page begins, ascending; empty where the format has no pages.
    asked:      questions that its sections answer.
    flags:      what was noticed about parts that no passage shows, such as hidden text; every passage carries it.
    """

    id: str
    title: str
    language: str
    kind: DocumentKind
    text: str
    source: str
    licence: str
    trust: TrustLevel
    product_id: str = ""
    keywords: tuple[str, ...] = ()
    asset_classes: tuple[str, ...] = ()
    risk_levels: tuple[str, ...] = ()
    jurisdictions: tuple[str, ...] = ()
    effective: date | None = None
    expires: date | None = None
    issuer: str = ""
    collection: str = KNOWLEDGE_BASE
    pages: tuple[int, ...] = ()
    flags: tuple[PassageFlag, ...] = ()
    asked: tuple[Asked, ...] = ()

    @cached_property
    def digest(self) -> str:
        """Return the SHA-256 in hexadecimal of the text in UTF-8."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class Passage:
    """The stretch [start, end), in code points, of a document's text.

    heading: the headings above it, outermost first, joined by " > ".
    context: what stands before the words when they are embedded, so that a section about "what can go wrong"
             is known to be about this fund, and a row of a table has its header; empty where it would leave too
             little room for the words.
    table_header: the header row of the table that the words begin within, where they leave it out.
    """

    id: str
    document: Document
    heading: str
    context: str
    start: int
    end: int
    flags: tuple[PassageFlag, ...] = ()
    table_header: str = ""

    @cached_property
    def text(self) -> str:
        """Return the words."""
        return self.document.text[self.start : self.end]

    @property
    def page(self) -> int | None:
        """Return the page where it begins, from 1; None where the format has no pages."""
        return bisect_right(self.document.pages, self.start) or None

    @property
    def embedding_text(self) -> str:
        """Return what the embedder sees."""
        return with_context(self.context, self.text)

    @property
    def lexical_text(self) -> str:
        """Return what word search sees."""
        about = self.document
        return "\n".join((about.product_id, *about.keywords, about.title, self.heading, self.table_header, self.text))


def with_context(context: str, text: str) -> str:
    """Return the words with what they are about in front."""
    return f"{context}\n{text}" if context else text
