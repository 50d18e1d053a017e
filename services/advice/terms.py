"""Content words of a text, for telling whether two texts speak of the same matter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from math import log

_WORD = re.compile(r"[a-z0-9]+(?:['’][a-z]+)?")
_HAN = re.compile(r"[\u4e00-\u9fff]+")
_COMMON = """
a about after all also am an and any are as at be because been but by can could did do does for from get had has have
he her his how i if in into is it its just let many may me might more most much my no not of on one only or other our
out over should so some such tell than that the their them then there these they this those to too up us very was we
were what when where which while who whom why will with would you your explain mean means
"""
# Words of questions that name no subject.
_ASKING = """
against bad best better between care compare difference different good happen happens help idea important know like long
make matter matters need please question right really run thing things think use used want way well work works worth
"""
_STOP_EN = frozenset(f"{_COMMON} {_ASKING}".split())
# Question words and particles: a two-character term that touches them says nothing about the subject.
_STOP_ZH = frozenset("的了吗呢吧么什怎样为何是在和与或及其也都就还要会能可以我你您他它这那哪有没不请问如")
_SUFFIXES = ("ations", "ation", "ings", "ing", "edly", "ied", "ies", "ed", "es", "s")


def terms_of(text: str) -> frozenset[str]:
    """Return stemmed English content words and pairs of Chinese characters."""
    lower = text.lower()
    words = (re.split("['’]", word)[0] for word in _WORD.findall(lower))
    english = {_stem(word) for word in words if word not in _STOP_EN and len(word) > 1}
    chinese = {run[i : i + 2] for run in _HAN.findall(lower) for i in range(len(run) - 1)}
    return frozenset(english | {pair for pair in chinese if not _STOP_ZH & set(pair)})


def weights_of(documents: Sequence[Iterable[str]]) -> dict[str, float]:
    """Return how telling each term is, 0.8 for one that every document has to 1.2 for one that a single one has.

    Most of it is flat: the passages were found for the question, so that its very subject is a common term in them.
    """
    counts: dict[str, int] = {}
    for terms in documents:
        for term in set(terms):
            counts[term] = counts.get(term, 0) + 1
    rarest = log(max(len(documents), 2))
    return {term: 0.8 + 0.4 * log(len(documents) / count) / rarest for term, count in counts.items()}


def coverage(wanted: frozenset[str], terms: frozenset[str], weights: Mapping[str, float]) -> float:
    """Return the share of the wanted terms' weight that `terms` has, 0 to 1; a term no document has weighs 1."""
    total = sum(weights.get(term, 1.0) for term in wanted)
    return sum(weights.get(term, 1.0) for term in wanted & terms) / total if total else 0.0


def _stem(word: str) -> str:
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            word = word[: -len(suffix)] + ("y" if suffix in ("ied", "ies") else "")
            break
    return word.removesuffix("e") if len(word) > 3 else word
