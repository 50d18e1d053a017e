"""Finds quantities in delivered text, written apart from the advice service's own verifier.

The audit must not share the verifier's blind spots, so nothing here is imported from it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True)
class Quantity:
    """A stretch of text, [start, end) in code points, that states a number."""

    start: int
    end: int
    text: str


# Level names are labels of the contract (R1 to R5, C1 to C5), not amounts.
_LABEL = re.compile(r"(?<![A-Za-z0-9])[RC][1-5](?![0-9A-Za-z%]|\.[0-9])")

_ENGLISH = re.compile(
    r"\b(?:zero|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen"
    r"|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundreds?|thousands?|millions?|billions?|trillions?|dozens?"
    r"|half|halves|halved|thirds?|quarters?|fifths?|tenths?|double[ds]?|triple[ds]?|quadruple[ds]?|twice|thrice"
    r"|(?:one|a)\s+(?:per\s*cent|percent|percentage|in|out\s+of)\b"
    r"|per\s*cent|percent|two-?fold|three-?fold|ten-?fold)\b",
    re.IGNORECASE,
)
# Phrases in which such a word counts nothing.
_ENGLISH_INNOCENT = re.compile(
    r"\b(?:third part(?:y|ies)|second(?:ly)? hand|quarterly|per cent of what)\b", re.IGNORECASE
)

_NUMERAL = "〇零一二两三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟"
_CHINESE = re.compile(
    rf"百分之|千分之|万分之|翻[倍番两]|成倍|加倍|减半|[一半]半|过半|半数|大半|对半"
    rf"|[{_NUMERAL}]+(?:点[{_NUMERAL}]+)?\s*(?:成|倍|分之|个百分点|%|元|块|万|亿|年|个月|岁|只|笔|份|次|美元)"
    rf"|[十百千万亿两]{{2,}}|[二三四五六七八九][十百千万亿]+"
)
# Words that only look like amounts: "one by one", "any time", "as before", "some".
_CHINESE_INNOCENT = re.compile(r"一次性|一年期|万一|千万不|一只产品|单一|同一|十分|百分百真实|一份子|一两")


def find_quantities(text: str, language: str) -> list[Quantity]:
    """Return every stretch of `text` that states a number, labels R1 to R5 and C1 to C5 left out."""
    labels = [match.span() for match in _LABEL.finditer(text)]
    found = [q for q in _digit_runs(text) if not _inside(q.start, q.end, labels)]
    found += _matches(_ENGLISH, _ENGLISH_INNOCENT, text)
    if language == "zh":
        found += _matches(_CHINESE, _CHINESE_INNOCENT, text)
    return sorted(found, key=lambda quantity: quantity.start)


def _digit_runs(text: str) -> list[Quantity]:
    """Return runs of numeric characters of any script: ASCII, full width, superscripts, fractions, circled."""
    runs: list[Quantity] = []
    start = None
    for i, character in enumerate([*text, " "]):
        # Ideographs such as 一 are numeric to Unicode as well; they are judged in their words below.
        numeric = unicodedata.category(character) in ("Nd", "Nl", "No")
        if numeric and start is None:
            start = i
        if not numeric and start is not None:
            runs.append(Quantity(start, i, text[start:i]))
            start = None
    return runs


def _matches(pattern: re.Pattern[str], innocent: re.Pattern[str], text: str) -> list[Quantity]:
    spared = [match.span() for match in innocent.finditer(text)]
    return [
        Quantity(match.start(), match.end(), match.group())
        for match in pattern.finditer(text)
        if not _inside(match.start(), match.end(), spared)
    ]


def _inside(start: int, end: int, spans: list[tuple[int, int]]) -> bool:
    return any(low <= start and end <= high for low, high in spans)
