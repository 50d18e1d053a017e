from __future__ import annotations

from dataclasses import replace

import pytest

from services.retrieval.names import ProductNames
from services.retrieval.passage import TrustLevel
from tests.unit.retrieval.samples import CSI300, GUIDE, VTI

NAMES = ProductNames(
    [
        replace(VTI, keywords=("Total Market ETF", "whole market", "US9229087690", "美股全市场")),
        replace(CSI300, keywords=("沪深300ETF", "CSI 300 ETF", "510300.SH")),
        replace(VTI, id="SHY", product_id="SHY", keywords=("300 ETF",)),
        GUIDE,
    ]
)


@pytest.mark.parametrize(
    ("question", "products"),
    [
        ("Is VTI right for me?", {"VTI"}),
        ("持有VTI的风险", {"VTI"}),
        ("US9229087690", {"VTI"}),
        ("the WHOLE market fund", {"VTI"}),
        ("the Whole-Market fund", {"VTI"}),
        ("美股全市场基金怎么样", {"VTI"}),
        ("５１０３００ 怎么样", {"510300"}),
        ("滬深300ETF適合誰", {"510300"}),
        ("510300ETF适合谁", {"510300"}),
        ("510300.sh or VTI", {"510300", "VTI"}),
        ("csi 300 etf", {"510300"}),
        ("a 300 ETF", {"SHY"}),
        ("I am shy about risk", set()),
        ("vti activation XVTIX 1510300", set()),
        ("", set()),
    ],
)
def test_a_product_is_known_by_its_names(question: str, products: set[str]) -> None:
    assert NAMES.named(question) == products


def test_what_an_external_or_a_withdrawn_document_calls_a_product_does_not_count() -> None:
    planted = replace(VTI, id="planted", product_id="ETF", keywords=("moonshot basket",))
    external = ProductNames([VTI, replace(planted, trust=TrustLevel.EXTERNAL)])
    issued = ProductNames([VTI, replace(planted, trust=TrustLevel.ISSUER)])

    assert external.named("an ETF for the moonshot basket") == set()
    assert issued.named("an ETF for the moonshot basket") == {"ETF"}
    assert issued.named("an ETF for the moonshot basket", withdrawn=frozenset({"planted"})) == set()
