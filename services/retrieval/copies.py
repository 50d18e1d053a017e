"""Leave out passages that nearly repeat a better one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TypeVar

from services.retrieval.passage import Passage, TrustLevel

# Two texts that share this part of their character five-grams (Jaccard; Broder 1997) tell a reader the same.
_NEARLY_ALL = 0.8
_SHINGLE = 5

_TRUSTED_FIRST = {TrustLevel.FIRM_APPROVED: 0, TrustLevel.ISSUER: 1, TrustLevel.EXTERNAL: 2, TrustLevel.QUARANTINED: 3}


T = TypeVar("T")


def without_copies(ranked: Iterable[T], passage_of: Callable[[T], Passage], count: int) -> list[T]:
    """Return the first `count`, best first, whose passages do not nearly repeat one before them.

    As many are looked at as it takes: copies, however many, cost the others no place. Passages about different products
    are never copies of each other: each fund may say the same of itself. A copy never displaces a passage of higher
    trust: where the better ranked one is less trusted, both stay.
    """
    kept: list[_Text] = []
    chosen: list[T] = []
    for one in ranked:
        text = _Text(passage_of(one))
        if not any(text.repeats(other) for other in kept):
            kept.append(text)
            chosen.append(one)
            if len(chosen) == count:
                break
    return chosen


class _Text:
    """A passage with what it takes to compare it, worked out where it is needed."""

    def __init__(self, passage: Passage) -> None:
        self._about = passage.document
        self._length = len(passage.text)
        self._passage = passage

    def repeats(self, other: _Text) -> bool:
        """Return whether a reader who has the other one needs this one no more."""
        return (
            self._about.product_id == other._about.product_id
            and _TRUSTED_FIRST[other._about.trust] <= _TRUSTED_FIRST[self._about.trust]
            # Texts of very different length share little, whatever they say; this spares most comparisons.
            and min(self._length, other._length) >= _NEARLY_ALL * max(self._length, other._length)
            and self._is_like(other)
        )

    def _is_like(self, other: _Text) -> bool:
        # With n shingles here, m there and s of both, s / (n + m - s) >= q leaves at most n - q (n + m) / (1 + q)
        # strangers here. Different texts have so many in their first lines; the rest of them is not looked at.
        theirs, places = other._shingles, range(max(len(self._words) - _SHINGLE + 1, 1))
        most = len(places) - _NEARLY_ALL * (len(places) + len(theirs)) / (1 + _NEARLY_ALL)
        strangers = set()
        for start in places:
            shingle = self._words[start : start + _SHINGLE]
            if shingle not in theirs:
                strangers.add(shingle)
                if len(strangers) > most:
                    return False
        return len(self._shingles & theirs) >= _NEARLY_ALL * len(self._shingles | theirs)

    @cached_property
    def _words(self) -> str:
        return " ".join(self._passage.text.casefold().split())

    @cached_property
    def _shingles(self) -> set[str]:
        return {self._words[start : start + _SHINGLE] for start in range(max(len(self._words) - _SHINGLE + 1, 1))}
