"""Pieces of EBNF in the dialect of xgrammar, which vLLM uses for structured outputs."""

from __future__ import annotations

from collections.abc import Iterable

from services.advice.numerals_zh import NUMERALS

_FIRST_HAN, _LAST_HAN = 0x4E00, 0x9FFF
# Traditional and financial forms, and characters that make numbers with others; verification knows them too.
_MORE_NUMERALS = "萬億兩參陸貳叄弍弎壱弌佰仟廿卅卌皕番"


def literal(text: str) -> str:
    """Return a quoted literal."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def either(parts: Iterable[str]) -> str:
    """Return the alternatives of a rule, in parentheses."""
    return f"({' | '.join(parts)})"


def han_without_numerals() -> str:
    """Return a character class of Chinese characters in which no numeral occurs."""
    excluded = sorted({ord(c) for c in NUMERALS + _MORE_NUMERALS if _FIRST_HAN <= ord(c) <= _LAST_HAN})
    ranges, first = [], _FIRST_HAN
    for point in [*excluded, _LAST_HAN + 1]:
        if point > first:
            ranges.append(f"{chr(first)}-{chr(point - 1)}" if point - 1 > first else chr(first))
        first = point + 1
    return f"[{''.join(ranges)}]"
