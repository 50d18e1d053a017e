"""Which passages may be returned: filters by circumstance, trust and date."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from services.retrieval.passage import Document, Passage, TrustLevel

Mask = NDArray[np.bool_]

_ALWAYS = date.min
_NEVER_ENDS = date.max
# Few filters are in use at a time. An answer takes eight bytes a passage.
_ANSWERS_KEPT = 8


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
        self._documents = _Codes([document.id for document in documents])
        self._asset_classes = _Column(documents, lambda document: document.asset_classes)
        self._risk_levels = _Column(documents, lambda document: document.risk_levels)
        self._jurisdictions = _Column(documents, lambda document: document.jurisdictions)
        self._languages = _Codes([document.language for document in documents])
        self._kinds = _Codes([document.kind.value for document in documents])
        self._products = _Codes([document.product_id for document in documents])
        self._trusted = np.array([document.trust is not TrustLevel.QUARANTINED for document in documents], dtype=bool)
        self._from = np.array([(document.effective or _ALWAYS).toordinal() for document in documents])
        self._until = np.array([(document.expires or _NEVER_ENDS).toordinal() for document in documents])
        self._by_language = lru_cache(maxsize=_ANSWERS_KEPT)(self._find_by_language)

    def eligible(
        self, wanted: PassageFilter, as_of: date, withdrawn: frozenset[str] = frozenset()
    ) -> NDArray[np.int64]:
        """Return the numbers of the passages that match and are in force on this day, ascending.

        Passages of quarantined documents, and of those `withdrawn` by id, are never among them.
        """
        day = as_of.toordinal()
        mask = self._trusted & (self._from <= day) & (day < self._until)
        for column, values in self._restrictions(wanted):
            if values:
                mask &= column.matches(values)
        if withdrawn:
            mask &= ~self._documents.matches(withdrawn)
        return self._all[mask]

    def eligible_by_language(
        self, wanted: PassageFilter, as_of: date, withdrawn: frozenset[str] = frozenset()
    ) -> Mapping[str, NDArray[np.int64]]:
        """Return what `eligible` does, parted by the language of the passage; the last answers are kept.

        The arrays are read-only. A language without any passage is left out.
        """
        return self._by_language(wanted, as_of, withdrawn)

    def by_language(self, numbers: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
        """Return these passage numbers parted by the language of the passage; a language without any is left out."""
        return self._languages.parted(numbers)

    def about(self, product_ids: frozenset[str], numbers: NDArray[np.int64]) -> tuple[Mask, Mask]:
        """Return which of these passages, (numbers,), are about one of these products, and which about another."""
        own = self._products.holds(product_ids, numbers)
        return own, ~(own | self._products.holds(frozenset({""}), numbers))

    def documents(self, numbers: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return a number for the document of each of these passages, (numbers,)."""
        return self._documents.codes(numbers)

    def _find_by_language(
        self, wanted: PassageFilter, as_of: date, withdrawn: frozenset[str]
    ) -> Mapping[str, NDArray[np.int64]]:
        parts = self.by_language(self.eligible(wanted, as_of, withdrawn))
        for numbers in parts.values():
            numbers.flags.writeable = False
        return MappingProxyType(parts)

    def _restrictions(self, wanted: PassageFilter) -> Iterator[tuple[_Codes | _Column, frozenset[str]]]:
        yield self._asset_classes, wanted.asset_classes
        yield self._risk_levels, wanted.risk_levels
        yield self._jurisdictions, wanted.jurisdictions
        yield self._languages, wanted.languages
        yield self._kinds, wanted.kinds
        yield self._products, wanted.product_ids


class _Codes:
    """A column with one value in each row; there may be as many values as rows."""

    def __init__(self, values: Sequence[str]) -> None:
        self._values = sorted(set(values))
        self._code = {value: code for code, value in enumerate(self._values)}
        self._codes = np.array([self._code[value] for value in values], dtype=np.int32)

    def matches(self, wanted: frozenset[str]) -> Mask:
        """Return which rows hold one of the wanted values."""
        return np.asarray(self._is_wanted(wanted)[self._codes])

    def holds(self, wanted: frozenset[str], rows: NDArray[np.int64]) -> Mask:
        """Return which of these rows hold one of the wanted values."""
        return np.asarray(self._is_wanted(wanted)[self._codes[rows]])

    def codes(self, rows: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return a number for the value of each of these rows, (rows,)."""
        return self._codes[rows]

    def parted(self, numbers: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
        """Return these rows by value. There must be few values."""
        codes = self._codes[numbers]
        parts = {value: numbers[codes == code] for code, value in enumerate(self._values)}
        return {value: part for value, part in parts.items() if len(part)}

    def _is_wanted(self, wanted: frozenset[str]) -> Mask:
        flags = np.zeros(len(self._values), dtype=bool)
        flags[[self._code[value] for value in wanted if value in self._code]] = True
        return flags


class _Column:
    """A column with several values in a row, or none; there are few values."""

    def __init__(self, documents: Sequence[Document], values: Callable[[Document], Iterable[str]]) -> None:
        held = [frozenset(values(document)) for document in documents]
        self._unbound = np.array([not some for some in held], dtype=bool)
        self._masks: dict[str, Mask] = {
            value: np.array([value in some for some in held], dtype=bool) for value in frozenset().union(*held)
        }

    def matches(self, wanted: frozenset[str]) -> Mask:
        """Return which rows hold one of the wanted values or none at all."""
        mask = self._unbound.copy()
        for value in wanted & self._masks.keys():
            mask |= self._masks[value]
        return mask
