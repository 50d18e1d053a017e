"""Cut a document into passages: one per section, several where a section exceeds the embedder's token limit."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from services.retrieval.flags import flags_of
from services.retrieval.passage import Document, Passage, with_context
from services.retrieval.sections import Section, sections_of
from services.retrieval.split import split_to_fit

# Raise it whenever the same document would be cut or named differently: snapshots of another version are refused.
CHUNKER_VERSION = "sections-3"
_ID_DIGITS = 10
# Title and headings may take this share of the limit; the rest belongs to the words.
_CONTEXT_SHARE = 1 / 3
# With the header of a table it may be more: without it the cells mean nothing.
_TABLE_CONTEXT_SHARE = 1 / 2


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
    return [
        _passage(document, section, contexts, start, end, seen)
        for section in sections_of(document.text)
        for contexts in [_Contexts(document, section, counter)]
        for start, end in split_to_fit(
            document.text, section.start, section.end, contexts.leaves_room, section.blocks, contexts.rows
        )
    ]


class _Contexts:
    """What stands before the pieces of one section: title and heading, and the header for the rest of a table."""

    def __init__(self, document: Document, section: Section, counter: TokenCounter) -> None:
        self._text = document.text
        self._counter = counter
        self._tables = section.tables
        self._bodies = [table.body for table in section.tables]
        self.rows = tuple(row for table in section.tables for row in table.rows)
        title = f"{document.product_id} {document.title}".strip()
        choices = (f"{title}\n{section.heading}" if section.heading else title, title, "")
        self._plain = self._first_within(choices, _CONTEXT_SHARE)
        self._headers = [
            self._text[table.start : table.body].strip().splitlines()[0].strip() for table in section.tables
        ]
        self._in_table = [self._with_header(header, choices) for header in self._headers]

    def at(self, start: int) -> str:
        """Return the context of a piece that begins here."""
        number = self._table_at(start)
        return self._plain if number is None else self._in_table[number]

    def header_at(self, start: int) -> str:
        """Return the header row that a piece beginning here leaves out, however long; "" where it leaves out none."""
        number = self._table_at(start)
        return "" if number is None else self._headers[number]

    def _table_at(self, start: int) -> int | None:
        number = bisect_right(self._bodies, start) - 1
        # A piece that begins above the body holds the header itself.
        return number if number >= 0 and start < self._tables[number].end else None

    def leaves_room(self, start: int, end: int) -> bool:
        """Say whether the stretch fits below its context."""
        tokens = self._counter.count_tokens(with_context(self.at(start), self._text[start:end]))
        return tokens <= self._counter.token_limit

    def _with_header(self, header: str, choices: Iterable[str]) -> str:
        with_header = (f"{words}\n{header}" if words else header for words in choices)
        return self._first_within((*with_header, self._plain), _TABLE_CONTEXT_SHARE)

    def _first_within(self, choices: Iterable[str], share: float) -> str:
        room = self._counter.token_limit * share
        return next(text for text in choices if not text or self._counter.count_tokens(text) <= room)


def _passage(
    document: Document, section: Section, contexts: _Contexts, start: int, end: int, seen: Counter[str]
) -> Passage:
    text = document.text[start:end]
    digest = hashlib.sha256(text.encode()).hexdigest()[:_ID_DIGITS]
    seen[digest] += 1
    noticed = (*document.flags, *flags_of(document.title, section.heading, text))
    passage_id = f"{document.id}#{digest}-{seen[digest]}"
    flags, header = tuple(dict.fromkeys(noticed)), contexts.header_at(start)
    return Passage(passage_id, document, section.heading, contexts.at(start), start, end, flags, header)
