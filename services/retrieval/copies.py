"""Leave out passages that nearly repeat a better one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TypeVar

import numpy as np

from services.retrieval.passage import Passage, TrustLevel

# Two texts that share this part of their character five-grams (Jaccard; Broder 1997) tell a reader the same.
_NEARLY_ALL = 0.8
_SHINGLE = 5

# Most texts are told apart by a bit for the hash of each shingle. A passage has up to a thousand; of our questions'
# 4,669 comparisons 2,048 bits left none over, and take half a microsecond. With its text a passage takes about 2 KB.
_HASH_BITS = 11
_MARKS_KEPT = 8192
# Knuth's multiplier for hashing (The Art of Computer Programming, 6.4), one factor a character.
_MULTIPLIER = 2654435761

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
            and not self._surely_differs(other)
            and self._is_like(other)
        )

    def _surely_differs(self, other: _Text) -> bool:
        # Of s shared shingles, x only here and y only there, s >= 4 (x + y) where they are alike, thus at least
        # 5 x + 4 y here and 4 x + 5 y there. Marks that only one has stand for shingles that only it has.
        here, there = _marks(self._passage.text), _marks(other._passage.text)
        shared = (here.bits & there.bits).bit_count()
        only_here, only_there = here.count - shared, there.count - shared
        return 5 * only_here + 4 * only_there > here.most or 4 * only_here + 5 * only_there > there.most

    def _is_like(self, other: _Text) -> bool:
        return len(self._shingles & other._shingles) >= _NEARLY_ALL * len(self._shingles | other._shingles)

    @cached_property
    def _shingles(self) -> set[str]:
        words = _words_of(self._passage.text)
        return {words[start : start + _SHINGLE] for start in range(max(len(words) - _SHINGLE + 1, 1))}


@dataclass(frozen=True)
class _Marks:
    """What tells most texts apart without their shingles.

    bits:  one for the hash of every shingle; several shingles may share one.
    count: how many bits are set.
    most:  how many different shingles there are at most.
    """

    bits: int
    count: int
    most: int


@lru_cache(maxsize=_MARKS_KEPT)
def _marks(text: str) -> _Marks:
    """Return the marks of a text's shingles."""
    points = np.frombuffer(_words_of(text).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    places = max(len(points) - _SHINGLE + 1, 0)
    hashes = np.zeros(places, dtype=np.uint32)
    for offset in range(_SHINGLE):
        hashes = (hashes ^ points[offset : offset + places]) * np.uint32(_MULTIPLIER)
    bits = np.zeros(1 << _HASH_BITS, dtype=bool)
    bits[hashes >> np.uint32(32 - _HASH_BITS)] = True
    return _Marks(int.from_bytes(np.packbits(bits).tobytes()), int(bits.sum()), max(places, 1))


def _words_of(text: str) -> str:
    return " ".join(text.casefold().split())
