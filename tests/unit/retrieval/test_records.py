from __future__ import annotations

from dataclasses import replace
from datetime import date

from services.retrieval.chunk import passages_of
from services.retrieval.passage import DocumentKind, PassageFlag, TrustLevel
from services.retrieval.records import documents_from_lines, documents_to_lines, passages_from_lines, passages_to_lines
from tests.unit.retrieval.samples import CSI300, GUIDE, CountingEmbedder

IMPORTED = replace(
    GUIDE,
    id="imported",
    kind=DocumentKind.DOCUMENT,
    trust=TrustLevel.EXTERNAL,
    effective=date(2026, 1, 1),
    expires=date(2027, 1, 1),
    issuer="Issuer",
    collection="import",
    pages=(0, 40),
    flags=(PassageFlag.INSTRUCTION_LIKE,),
)


def test_documents_come_back_as_they_were_written() -> None:
    assert documents_from_lines(documents_to_lines([IMPORTED, CSI300])) == [IMPORTED, CSI300]


def test_passages_come_back_with_their_documents() -> None:
    passages = tuple(passages_of(IMPORTED, CountingEmbedder()))

    back = passages_from_lines(passages_to_lines(passages), [IMPORTED])

    assert back == passages
    assert [passage.page for passage in back] == [1, 2]
