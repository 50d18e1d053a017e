"""Words in both languages of the product."""

from __future__ import annotations

from dataclasses import dataclass

import shared.assumptions as entries


@dataclass(frozen=True)
class Text:
    """The same words in English and Chinese; `zh` is empty where nothing is written."""

    en: str
    zh: str = ""

    @classmethod
    def of(cls, entry: entries.LocalText) -> Text:
        """Return the words of an entry of the knowledge base."""
        return cls(entry.en, entry.zh or "")

    @property
    def zh_or_en(self) -> str:
        """Chinese where it is written, English elsewhere."""
        return self.zh or self.en
