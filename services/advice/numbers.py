"""Quantities in plain text: digits of every script, English number words, Chinese numerals.

Pure and strict: a vague fraction ("half"), a multiple ("double") and a unit of number ("dozens", "percent") are
quantities too. What it leaves alone: "one" as a pronoun, "first" and "second", fixed Chinese words (一般, 统一, 第一),
Chinese articles (一个, 一种), and the labels R1 to R5 and C1 to C5 in exactly that form.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from dataclasses import dataclass
from functools import cache

from services.advice.numerals_zh import ALLOWED_ZH, QUANTITY_ZH

_LABEL = re.compile(r"(?<![A-Za-z0-9_.\-])[RC][1-5](?![A-Za-z0-9_%％]|[.,:]\d)")

_CARDINAL = (
    "zero|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|"
    "eighteen|nineteen|twenty|thirty|fou?rty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|billion|trillion"
)
_ORDINAL = (
    "fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|fourteenth|fifteenth|sixteenth|"
    "seventeenth|eighteenth|nineteenth|twentieth|thirtieth|fortieth|fiftieth|sixtieth|seventieth|eightieth|ninetieth|"
    "hundredth|thousandth|millionth|billionth"
)
_MULTIPLE = (
    r"hal(?:f|ves|ve|ved|ving|fway)|third(?=\s+of\b)|thirds|quarter|quarters|double|doubles|doubled|doubling|doubly|"
    r"triple|tripled|triples|tripling|treble|trebled|quadruple|quadrupled|quintuple|twice|thrice|"
    rf"(?:{_CARDINAL}|many|several|mani)-?fold|semi-?annual\w*|bi-?(?:annual|monthly|weekly)\w*|biennial\w*"
)
_COLLECTIVE = (
    r"dozens?|decades?|centur(?:y|ies)|millenni(?:um|a)|fortnights?|pair\s+of|couple\s+of|trio|nil|"
    r"percent|per\s+cent|percentage\s+points?|basis\s+points?|bps|percentile|"
    r"II|III|IV|VI|VII|VIII|IX|XI|XII"
)
# "one" stands for a thing already named; anything else ("one year", "one in ten") is a count.
_ONE_AS_PRONOUN = (
    r"\bno one\b|\bone (?:another|that|which|who|may|might|can|could|should|must|would|will|has|is|of the|of these|"
    r"of those|or more)\b|\bone's\b|\b(?:this|that|the|each|every|any|another|which) one(?=\s*[.,;:!?)]|\s*$)"
)
_THIRD_AS_FRACTION = r"(?:a|one|-)[\s-]?third\b(?![\s-](?:part(?:y|ies)|person|country|reason|option|way|point)\b)"

_WORDS_EN = re.compile(
    rf"\b(?:(?:{_CARDINAL})s?|(?:{_ORDINAL})s?|{_COLLECTIVE}|{_MULTIPLE}|one|ones(?=\s+place))\b|\b{_THIRD_AS_FRACTION}",
    re.IGNORECASE,
)
_ROMAN = re.compile(r"^(?:ii|iii|iv|vi|vii|viii|ix|xi|xii)$")
_ONE_OK = re.compile(_ONE_AS_PRONOUN, re.IGNORECASE)


@dataclass(frozen=True)
class Quantity:
    """A stretch of text that says a number: code points [start, end) and the words."""

    start: int
    end: int
    text: str


def find_quantities(text: str, language: str = "") -> list[Quantity]:
    """Return every quantity of a text, in order, without overlaps.

    language: "en" looks for digits and English words, "zh" for digits and Chinese numerals, "" for all of them.
    Positions count code points. Pure; never raises.
    """
    spans = _digits(text)
    if language != "zh":
        spans += _english(text)
    if language != "en":
        spans += _chinese(text)
    return [Quantity(start, end, text[start:end]) for start, end in _merged(spans)]


def _digits(text: str) -> list[tuple[int, int]]:
    labels = [match.span() for match in _LABEL.finditer(text)]
    found = (match.span() for match in _number_run().finditer(text))
    return [(a, b) for a, b in found if not any(s <= a and b <= e for s, e in labels)]


@cache
def _number_run() -> re.Pattern[str]:
    points = [chr(p) for p in range(sys.maxunicode + 1) if unicodedata.category(chr(p)) in ("Nd", "Nl", "No")]
    digit = "[" + "".join(re.escape(point) for point in points) + "]"
    return re.compile(rf"{digit}(?:[.,:/\-–%％]?{digit})*[%％‰]?|[%％‰]")


def _english(text: str) -> list[tuple[int, int]]:
    pronouns = [match.span() for match in _ONE_OK.finditer(text)]
    spans = []
    for match in _WORDS_EN.finditer(text):
        word = match[0]
        if _ROMAN.match(word.lower()) and not word.isupper():
            continue
        if word.lower() == "one" and any(s <= match.start() and match.end() <= e for s, e in pronouns):
            continue
        spans.append(match.span())
    return spans


def _chinese(text: str) -> list[tuple[int, int]]:
    masked = ALLOWED_ZH.sub(lambda match: "\x00" * len(match[0]), text)
    return [match.span() for match in QUANTITY_ZH.finditer(masked)]


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
