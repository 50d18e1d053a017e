"""Sentences of passages that may be quoted: whole, understandable alone, without numbers or promises."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from services.advice.brief import Brief, Passage
from services.advice.lexicon import INSTRUCTION, PRAISE, promises
from services.advice.numbers import find_quantities

_END = re.compile(r"(?<=[.!?])[\"”’)]?\s+(?=[\"“A-Z])|(?<=[。！？])")
_MARKUP = re.compile(r"[{}<>\[\]|`*#_\\]|https?:|\x00")
# A sentence that leans on the one before it cannot stand alone.
_LEANS_EN = re.compile(
    r"^(?:it|its|they|their|them|these|those|this|that|such|he|she|however|therefore|thus|hence|but|and|or|so|then|"
    r"instead|otherwise|moreover|furthermore|besides|also|here|there|for example|for instance|in this|in that|"
    r"in these|in both|as a result|by contrast|the same|both|another|others?)\b",
    re.IGNORECASE,
)
_LEANS_ZH = re.compile(
    "^(?:它|其|该|这|那|此|上述|因此|所以|但|但是|然而|不过|同时|另外|此外|而且|并且|例如|比如|前者|后者|二者|两者|一类|相反|反之|也|还|"
    "另一|再|则|即使如此|本基金|于是)"
)
# Shorter ones are headings or exclamations; longer ones are hard to take in within a text of this kind.
_LENGTHS = {"en": (30, 200), "zh": (10, 80)}


@dataclass(frozen=True)
class Quote:
    """A sentence of a passage, word for word."""

    text: str
    passage: Passage

    @property
    def pointed(self) -> str:
        """The sentence with its source behind it."""
        space = "" if self.passage.language == "zh" else " "
        return f"{self.text}{space}{{{{c:{self.passage.handle}}}}}"


def sentences_of(text: str) -> list[str]:
    """Return the sentences of a text, English or Chinese, without line breaks."""
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", text)]
    parts = [part.strip() for paragraph in paragraphs for part in _END.split(paragraph)]
    return [part for part in parts if part]


def quotable(passage: Passage, language: str) -> list[Quote]:
    """Return the sentences of a passage that may be shown to a client in `language`."""
    if not passage.is_quotable or passage.language != language:
        return []
    return [Quote(sentence, passage) for sentence in sentences_of(passage.text) if _stands_alone(sentence, language)]


def is_clean(sentence: str) -> bool:
    """Return whether words that someone else wrote may be shown: no number, promise, praise or instruction in them."""
    return not (
        INSTRUCTION.search(sentence)
        or PRAISE.search(sentence)
        or promises(sentence, denials_allowed=True)
        or find_quantities(sentence)
    )


def quotes_about(brief: Brief, subjects: Sequence[str], limit: int) -> list[Quote]:
    """Return sentences of guides whose title or heading names a subject, one of each passage before a second one."""
    matching = [p for p in brief.passages if not p.product_id and _names(f"{p.title} {p.heading}".lower(), subjects)]
    return _by_turns([quotable(passage, brief.language) for passage in matching], limit)


def product_quotes(brief: Brief, product_id: str, headings: Sequence[str], limit: int) -> list[Quote]:
    """Return sentences about a product from its own documents, under headings that name a subject."""
    matching = [p for p in brief.passages if p.product_id == product_id and _names(p.heading.lower(), headings)]
    return _by_turns([quotable(passage, brief.language) for passage in matching], limit)


def _names(where: str, subjects: Sequence[str]) -> bool:
    return any(subject in where for subject in subjects)


def _by_turns(groups: Sequence[Sequence[Quote]], limit: int) -> list[Quote]:
    longest = max((len(group) for group in groups), default=0)
    return [group[turn] for turn in range(longest) for group in groups if turn < len(group)][:limit]


def _stands_alone(sentence: str, language: str) -> bool:
    shortest, longest = _LENGTHS[language]
    leans = _LEANS_ZH if language == "zh" else _LEANS_EN
    return (
        shortest <= len(sentence) <= longest
        and sentence[-1] in ".。!！?？"
        and not leans.search(sentence)
        and not _MARKUP.search(sentence)
        and is_clean(sentence)
    )
