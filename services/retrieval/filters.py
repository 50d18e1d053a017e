"""Which passages may be returned: filters by circumstance, trust and date."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from services.retrieval.passage import Document, Passage, TrustLevel

Mask = NDArray[np.bool_]

_ALWAYS = date.min
_NEVER_ENDS = date.max


@dataclass(frozen=True)
class PassageFilter:
    """Values that a passage must match; an empty set does not restrict, several sets must all match.

    A document without asset classes, risk levels or jurisdictions is bound to none and always matches those.
    """

    asset_classes: frozenset[str] = frozenset()
    risk_levels: frozenset[str] = frozenset()
    jurisdictions: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    product_ids: frozenset[str] = frozenset()


class FilterTable:
    """The filterable values of all passages by column, so that a filter is a few array operations."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        documents = [passage.document for passage in passages]
        self._all = np.arange(len(documents), dtype=np.int64)
        self._asset_classes = _Column(documents, lambda document: document.asset_classes)
        self._risk_levels = _Column(documents, lambda document: document.risk_levels)
        self._jurisdictions = _Column(documents, lambda document: document.jurisdictions)
        self._languages = _Column(documents, lambda document: (document.language,))
        self._kinds = _Column(documents, lambda document: (document.kind.value,))
        self._products = _Column(documents, lambda document: (document.product_id,))
        self._trusted = np.array([document.trust is not TrustLevel.QUARANTINED for document in documents], dtype=bool)
        self._from = np.array([(document.effective or _ALWAYS).toordinal() for document in documents])
        self._until = np.array([(document.expires or _NEVER_ENDS).toordinal() for document in documents])

    def eligible(self, wanted: PassageFilter, as_of: date) -> NDArray[np.int64]:
        """Return the numbers of the passages that match and are in force on this day, ascending.

        Passages of quarantined documents are never among them.
        """
        day = as_of.toordinal()
        mask = self._trusted & (self._from <= day) & (day < self._until)
        mask = mask & self._asset_classes.matches(wanted.asset_classes, unbound=True)
        mask &= self._risk_levels.matches(wanted.risk_levels, unbound=True)
        mask &= self._jurisdictions.matches(wanted.jurisdictions, unbound=True)
        mask &= self._languages.matches(wanted.languages)
        mask &= self._kinds.matches(wanted.kinds)
        mask &= self._products.matches(wanted.product_ids)
        return self._all[mask]


class _Column:
    def __init__(self, documents: Sequence[Document], values: Callable[[Document], Iterable[str]]) -> None:
        held = [frozenset(values(document)) for document in documents]
        self._size = len(held)
        self._unbound = np.array([not some for some in held], dtype=bool)
        self._masks: dict[str, Mask] = {
            value: np.array([value in some for some in held], dtype=bool) for value in frozenset().union(*held)
        }

    def matches(self, wanted: frozenset[str], *, unbound: bool = False) -> Mask:
        if not wanted:
            return np.ones(self._size, dtype=bool)
        mask = self._unbound.copy() if unbound else np.zeros(self._size, dtype=bool)
        for value in wanted & self._masks.keys():
            mask |= self._masks[value]
        return mask
