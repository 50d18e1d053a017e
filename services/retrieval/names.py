"""Which products a question names: by code, ISIN, name or nickname, in either language."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from services.retrieval.chinese import simplified
from services.retrieval.language import HAN
from services.retrieval.passage import Document, TrustLevel

# A Chinese character, a number or a run of letters: what a name begins and ends with. "510300ETF" has two units,
# "持有VTI" three.
_UNIT = re.compile(rf"[{HAN}]|\d+|[^\W\d_{HAN}]+")
# One character in Chinese, or one word in letters, is too common to be a nickname.
_SHORTEST_HAN = 2

_BELIEVED = frozenset({TrustLevel.FIRM_APPROVED, TrustLevel.ISSUER})

Units = tuple[str, ...]


@dataclass(frozen=True)
class _Meant:
    """A product, and the document that calls it by a name."""

    product_id: str
    document_id: str


class ProductNames:
    """The names under which people know the products of an index; read-only.

    Codes such as VTI are recognised in capitals only, since many are words too ("tip", "shy"); other names in any
    case, with full-width forms and traditional characters folded. What EXTERNAL documents call products is not learned:
    a planted name would move the passages of every question that holds it.
    """

    def __init__(self, documents: Iterable[Document]) -> None:
        self._codes: defaultdict[Units, set[_Meant]] = defaultdict(set)
        self._names: defaultdict[Units, set[_Meant]] = defaultdict(set)
        for document in documents:
            if document.product_id and document.trust in _BELIEVED:
                meant = _Meant(document.product_id, document.id)
                self._codes[_units(document.product_id)].add(meant)
                for name in document.keywords:
                    self._learn(name, meant)
        # By a name's first unit; most words begin none.
        self._longest: dict[str, int] = {}
        for units in filter(None, (*self._codes, *self._names)):
            first = units[0].casefold()
            self._longest[first] = max(len(units), self._longest.get(first, 0))

    def named(self, question: str, withdrawn: frozenset[str] = frozenset()) -> frozenset[str]:
        """Return the ids of the products that a question names; an ambiguous nickname names all it may mean.

        Where names overlap the longest counts: "CSI 300 ETF" does not also name a product called "300 ETF".
        withdrawn: ids of documents whose word does not count.
        """
        exact = _units(question)
        folded = tuple(unit.casefold() for unit in exact)
        found: set[str] = set()
        start = 0
        while start < len(exact):
            length, meant = self._longest_at(exact, folded, start, withdrawn)
            found |= {one.product_id for one in meant}
            start += length
        return frozenset(found)

    def _learn(self, name: str, meant: _Meant) -> None:
        units = tuple(unit.casefold() for unit in _units(name))
        is_code = name.isupper() and len(units) == 1
        if is_code:
            self._codes[_units(name)].add(meant)
        elif len(units) >= _SHORTEST_HAN:
            self._names[units].add(meant)

    def _longest_at(
        self, exact: Units, folded: Units, start: int, withdrawn: frozenset[str]
    ) -> tuple[int, set[_Meant]]:
        longest = min(self._longest.get(folded[start], 0), len(exact) - start)
        for length in range(longest, 0, -1):
            end = start + length
            meant = self._codes.get(exact[start:end], set()) | self._names.get(folded[start:end], set())
            if meant := {one for one in meant if one.document_id not in withdrawn}:
                return length, meant
        return 1, set()


def _units(text: str) -> Units:
    return tuple(_UNIT.findall(simplified(unicodedata.normalize("NFKC", text))))
