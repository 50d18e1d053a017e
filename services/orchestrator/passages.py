"""Passages found for a proposal or a question, and which of them a text may cite."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Passage:
    """A stretch of a document, as far as the orchestrator judges it.

    message: the passage exactly as retrieval sent it; it is handed on and recorded untouched.
    """

    id: str
    product_id: str
    is_instruction_like: bool
    is_quarantined: bool
    message: bytes

    @property
    def is_citable(self) -> bool:
        """Whether a text may rest on it: words that command a model, and withdrawn ones, may not reach one."""
        return not (self.is_instruction_like or self.is_quarantined)


@dataclass(frozen=True)
class Found:
    """The results of one search, best first, and the index snapshot that was searched."""

    passages: tuple[Passage, ...]
    index_snapshot: str


@dataclass(frozen=True)
class CitablePassage:
    """A passage under the handle, from 1, that the text of one brief uses for it."""

    handle: int
    passage: Passage


def citable(found: Iterable[Found]) -> tuple[CitablePassage, ...]:
    """Return the passages that may be cited, each once, in the order found, with handles from 1."""
    unique = {passage.id: passage for search in found for passage in search.passages if passage.is_citable}
    return tuple(CitablePassage(handle, passage) for handle, passage in enumerate(unique.values(), start=1))
