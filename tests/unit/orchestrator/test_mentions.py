"""Which products a question names."""

from __future__ import annotations

import pytest

from services.orchestrator.mentions import MAX_PRODUCTS, mentioned_products, stated_facts
from tests.integration.orchestrator.kit import shipped_catalogue


@pytest.mark.parametrize(
    ("text", "products"),
    [
        ("What does VTI cost?", ["VTI"]),
        ("VTI和BND哪个风险高？", ["BND", "VTI"]),
        ("Any tip on bonds, or aggregated funds?", []),
        ("511880的费用是多少", ["511880"]),
        ("Is 5118801 a fund?", []),
        ("What is in the vanguard total bond market etf?", ["BND"]),
        ("沪深300ETF有什么风险", ["510300"]),
    ],
)
def test_identifiers_count_as_written_and_names_in_any_case(text: str, products: list[str]) -> None:
    assert [product.id for product in mentioned_products(text, shipped_catalogue())] == products


def test_products_of_other_countries_are_left_out_and_lists_end() -> None:
    catalogue = shipped_catalogue()

    assert mentioned_products("VTI", catalogue, "CN") == ()
    assert len(mentioned_products(" ".join(catalogue.products), catalogue)) == MAX_PRODUCTS


def test_a_product_without_a_known_fee_states_its_level_only() -> None:
    catalogue = shipped_catalogue()
    product = catalogue.products["VTI"]
    unknown = product.model_copy(update={"expense_ratio": None})

    known = {fact.id: fact.rendered.en for fact in stated_facts(product, catalogue)}

    assert known == {"fee.vti": "0.03%", "risk_level.vti": product.risk_level.level}
    assert [fact.id for fact in stated_facts(unknown, catalogue)] == ["risk_level.vti"]
