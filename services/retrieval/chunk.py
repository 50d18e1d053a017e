"""Cut a document into passages: one per section, several where a section exceeds the embedder's token limit."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Protocol

from services.retrieval.flags import flags_of
from services.retrieval.passage import Document, Passage, with_context
from services.retrieval.sections import sections_of
from services.retrieval.split import split_to_fit

# Raise it whenever the same document would be cut or named differently: snapshots of another version are refused.
CHUNKER_VERSION = "sections-1"
_ID_DIGITS = 10
# Title and headings may take this share of the limit; the rest belongs to the words.
_CONTEXT_SHARE = 1 / 3


class TokenCounter(Protocol):
    """What knows how long a text is for the embedder."""

    @property
    def token_limit(self) -> int:
        """Return the largest number of tokens that is embedded whole."""

    def count_tokens(self, text: str) -> int:
        """Return the number of tokens, with those the model adds."""


def passages_of(document: Document, counter: TokenCounter) -> list[Passage]:
    """Return the document's passages in order; none exceeds the token limit and no word is lost.

    A passage's id is the document's id, a prefix of its text's digest and its occurrence among equal texts:
    it survives edits elsewhere in the document.
    """
    seen: Counter[str] = Counter()
    passages = []
    for section in sections_of(document.text):
        context = _context(document, section.heading, counter)

        def fits(start: int, end: int, context: str = context) -> bool:
            return counter.count_tokens(with_context(context, document.text[start:end])) <= counter.token_limit

        for start, end in split_to_fit(document.text, section.start, section.end, fits, section.blocks):
            text = document.text[start:end]
            digest = hashlib.sha256(text.encode()).hexdigest()[:_ID_DIGITS]
            seen[digest] += 1
            flags = flags_of(document.title, section.heading, text)
            passage_id = f"{document.id}#{digest}-{seen[digest]}"
            passages.append(Passage(passage_id, document, section.heading, context, start, end, flags))
    return passages


def _context(document: Document, heading: str, counter: TokenCounter) -> str:
    """Return product, title and heading, or as much of them as leaves room for the words."""
    title = f"{document.product_id} {document.title}".strip()
    room = counter.token_limit * _CONTEXT_SHARE
    candidates = (f"{title}\n{heading}" if heading else title, title, "")
    return next(text for text in candidates if not text or counter.count_tokens(text) <= room)
