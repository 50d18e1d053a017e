"""What a parser makes of a file: one Markdown text, whatever the format was."""

from __future__ import annotations

from dataclasses import dataclass


class Unreadable(ValueError):
    """A file that is refused; the message says what was found and what to do."""


@dataclass(frozen=True)
class Extract:
    """The text of a file and what the file says about itself.

    text:   Markdown, line ends "\\n", without control characters.
    pages:  offsets in code points where each page begins; empty where the format has none.
    title:  as the file states it, "" where it does not.
    issuer: publisher or author as the file states it: a claim, not a fact.
    unseen: what a reader of the page does not see: hidden parts, comments, metadata. It is examined, never indexed.
    """

    text: str
    pages: tuple[int, ...] = ()
    title: str = ""
    issuer: str = ""
    unseen: str = ""
