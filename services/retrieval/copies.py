"""Leave out passages that nearly repeat a better one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from services.retrieval.passage import Passage, TrustLevel

# Two texts that share this part of their character five-grams (Jaccard; Broder 1997) tell a reader the same.
_NEARLY_ALL = 0.8
_SHINGLE = 5

_TRUSTED_FIRST = {TrustLevel.FIRM_APPROVED: 0, TrustLevel.ISSUER: 1, TrustLevel.EXTERNAL: 2, TrustLevel.QUARANTINED: 3}


def without_copies(ranked: Sequence[Passage], count: int) -> list[int]:
    """Return the positions of the first `count` passages, best first, that do not nearly repeat one before them.

    Passages about different products are never copies of each other: each fund may say the same of itself. A copy
    never displaces a passage of higher trust: where the better ranked one is less trusted, both stay.
    """
    kept: list[int] = []
    for position, passage in enumerate(ranked):
        if len(kept) == count:
            break
        if not _repeats(passage, (ranked[earlier] for earlier in kept)):
            kept.append(position)
    return kept


def _repeats(passage: Passage, kept: Iterable[Passage]) -> bool:
    trust = _TRUSTED_FIRST[passage.document.trust]
    return any(
        passage.document.product_id == other.document.product_id
        and _TRUSTED_FIRST[other.document.trust] <= trust
        and _likeness(passage.text, other.text) >= _NEARLY_ALL
        for other in kept
    )


def _likeness(one: str, other: str) -> float:
    # Texts of very different length share little, whatever they say; this spares most comparisons.
    if min(len(one), len(other)) < _NEARLY_ALL * max(len(one), len(other)):
        return 0.0
    left, right = _shingles(one), _shingles(other)
    return len(left & right) / len(left | right)


def _shingles(text: str) -> set[str]:
    words = " ".join(text.casefold().split())
    return {words[start : start + _SHINGLE] for start in range(max(len(words) - _SHINGLE + 1, 1))}
