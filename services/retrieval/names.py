"""Which products a question names: by code, ISIN, name or nickname, in either language."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

from services.retrieval.chinese import simplified
from services.retrieval.language import HAN
from services.retrieval.passage import Document

# A Chinese character, a number or a run of letters: what a name begins and ends with. "510300ETF" has two units,
# "持有VTI" three.
_UNIT = re.compile(rf"[{HAN}]|\d+|[^\W\d_{HAN}]+")
# One character in Chinese, or one word in letters, is too common to be a nickname.
_SHORTEST_HAN = 2

Units = tuple[str, ...]


class ProductNames:
    """The names under which people know the products of an index; read-only.

    Codes such as VTI are recognised in capitals only, since many are words too ("tip", "shy"); other names in any
    case, with full-width forms and traditional characters folded.
    """

    def __init__(self, documents: Iterable[Document]) -> None:
        self._codes: defaultdict[Units, set[str]] = defaultdict(set)
        self._names: defaultdict[Units, set[str]] = defaultdict(set)
        for document in documents:
            if document.product_id:
                self._codes[_units(document.product_id)].add(document.product_id)
                for name in document.keywords:
                    self._learn(name, document.product_id)
        # By a name's first unit; most words begin none.
        self._longest: dict[str, int] = {}
        for units in filter(None, (*self._codes, *self._names)):
            first = units[0].casefold()
            self._longest[first] = max(len(units), self._longest.get(first, 0))

    def named(self, question: str) -> frozenset[str]:
        """Return the ids of the products that a question names; an ambiguous nickname names all it may mean.

        Where names overlap the longest counts: "CSI 300 ETF" does not also name a product called "300 ETF".
        """
        exact = _units(question)
        folded = tuple(unit.casefold() for unit in exact)
        found: set[str] = set()
        start = 0
        while start < len(exact):
            length, products = self._longest_at(exact, folded, start)
            found |= products
            start += length
        return frozenset(found)

    def _learn(self, name: str, product_id: str) -> None:
        units = tuple(unit.casefold() for unit in _units(name))
        is_code = name.isupper() and len(units) == 1
        if is_code:
            self._codes[_units(name)].add(product_id)
        elif len(units) >= _SHORTEST_HAN:
            self._names[units].add(product_id)

    def _longest_at(self, exact: Units, folded: Units, start: int) -> tuple[int, set[str]]:
        longest = min(self._longest.get(folded[start], 0), len(exact) - start)
        for length in range(longest, 0, -1):
            end = start + length
            if products := self._codes.get(exact[start:end], set()) | self._names.get(folded[start:end], set()):
                return length, products
        return 1, set()


def _units(text: str) -> Units:
    return tuple(_UNIT.findall(simplified(unicodedata.normalize("NFKC", text))))
