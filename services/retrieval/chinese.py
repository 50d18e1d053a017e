"""Traditional Chinese characters as simplified ones, so that either script finds the other."""

from __future__ import annotations

from functools import cache

from opencc import OpenCC

# Characters, chosen by the phrase they stand in; the words of Taiwan and Hong Kong stay as they are.
_TRADITIONAL_TO_SIMPLIFIED = "t2s"


def simplified(text: str) -> str:
    """Return the text in simplified characters; text that is in them already is returned unchanged."""
    return _converter().convert(text)


@cache
def _converter() -> OpenCC:
    return OpenCC(_TRADITIONAL_TO_SIMPLIFIED)
