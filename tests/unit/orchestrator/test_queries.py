"""Which sources are searched for a proposal."""

from __future__ import annotations

from services.orchestrator.queries import client_queries, product_queries
from tests.unit.orchestrator.advice_kit import case, case_of, situation


def test_guides_are_searched_in_the_clients_language_and_country() -> None:
    queries = client_queries(case(situation("CN", "C2", language="zh")))

    assert len(queries) >= 8
    assert all(query.filter.kinds == ("GUIDE",) for query in queries)
    assert {query.filter.languages for query in queries} == {("zh",)}
    assert {query.filter.jurisdictions for query in queries} == {("CN",)}
    assert "投资者分类 C2" in queries[0].query


def test_the_goal_has_a_search_of_its_own() -> None:
    assert "retirement" in client_queries(case_of("US", "C3"))[-1].query


def test_each_product_has_its_factsheet_and_each_class_a_guide() -> None:
    queries = product_queries(case_of("US", "C3"), ["BND", "SCHZ", "VTI", "EXT1"])

    sheets = [query.filter.product_ids for query in queries if query.filter.kinds == ("FACTSHEET",)]
    guides = [query.filter.asset_classes for query in queries if query.filter.kinds == ("GUIDE",)]
    assert sheets == [("BND",), ("SCHZ",), ("VTI",)]
    assert guides == [("us_aggregate_bond",), ("us_large_equity",)]


def test_a_product_without_a_chinese_factsheet_is_cited_in_english() -> None:
    of_client = case(situation("US", "C3", language="zh"))

    (sheet, guide) = product_queries(of_client, ["BND"])

    assert sheet.filter.languages == ("en",)
    assert guide.filter.languages == ("zh",)


def test_a_product_with_a_chinese_factsheet_is_cited_in_chinese() -> None:
    (sheet, _) = product_queries(case(situation("CN", "C3", language="zh")), ["510880"])

    assert sheet.filter.languages == ("zh",)
    assert "持有什么" in sheet.query
