"""Which products a client may hold, and why not the others."""

from __future__ import annotations

from itertools import pairwise
from typing import get_args

import pytest

from services.orchestrator.catalogue.rules import LEVELS, ClientClass
from services.orchestrator.situation import Preferences, RequiredProduct
from services.orchestrator.suitability.universe import select_universe
from tests.unit.orchestrator.advice_kit import case, case_of, catalogue, situation

CLASSES = get_args(ClientClass)


@pytest.mark.parametrize("jurisdiction", ["US", "CN"])
@pytest.mark.parametrize("client_class", CLASSES)
def test_every_product_is_eligible_or_excluded_once(jurisdiction: str, client_class: ClientClass) -> None:
    universe = select_universe(case_of(jurisdiction, client_class)).universe

    excluded = [key for exclusion in universe.exclusions for key in exclusion.product_ids]
    assert sorted([*universe.eligible_product_ids, *excluded]) == sorted(catalogue().products)
    assert universe.catalogue_count == len(catalogue().products)
    assert all(exclusion.reason.en and exclusion.reason.zh for exclusion in universe.exclusions)


@pytest.mark.parametrize("jurisdiction", ["US", "CN"])
@pytest.mark.parametrize("client_class", CLASSES)
def test_eligible_products_obey_every_rule(jurisdiction: str, client_class: ClientClass) -> None:
    of_client = case_of(jurisdiction, client_class)

    eligible = [catalogue().products[key] for key in select_universe(of_client).universe.eligible_product_ids]

    assert eligible
    for product in eligible:
        assert LEVELS.index(product.risk_level.level) <= CLASSES.index(client_class)
        assert jurisdiction in product.jurisdictions
        assert product.currency == of_client.currency
        assert product.expense_ratio is not None


def test_a_higher_class_never_loses_a_product() -> None:
    universes = [set(select_universe(case_of("US", name)).universe.eligible_product_ids) for name in CLASSES]

    assert all(low < high for low, high in pairwise(universes))


@pytest.mark.parametrize(
    ("jurisdiction", "product_id", "rule_id", "words"),
    [
        ("US", "510300", "R13", "not distributable in the United States"),
        ("US", "VWO", "R07", "R4 is above R3, the limit of C3"),
        ("CN", "511220", "R15", "its fee is not known"),
    ],
)
def test_an_exclusion_names_its_rule(jurisdiction: str, product_id: str, rule_id: str, words: str) -> None:
    universe = select_universe(case_of(jurisdiction, "C3")).universe

    (exclusion,) = [exclusion for exclusion in universe.exclusions if product_id in exclusion.product_ids]
    assert (exclusion.rule_id, exclusion.reason.en) == (rule_id, words)


def test_the_clients_own_exclusions_hold() -> None:
    wishes = Preferences(excluded_product_ids=("BND",), excluded_asset_classes=("gold",))

    universe = select_universe(case(situation(preferences=wishes))).universe

    assert not {"BND", "GLD", "IAU"} & set(universe.eligible_product_ids)
    own = [exclusion for exclusion in universe.exclusions if not exclusion.rule_id]
    assert {exclusion.reason.en: exclusion.product_ids for exclusion in own} == {
        "excluded by the client": ("BND",),
        "asset class excluded by the client": ("GLD", "IAU"),
    }


def test_a_required_product_above_the_class_blocks_with_r07() -> None:
    wishes = Preferences(required_products=(RequiredProduct("VWO", 0.1),))

    (finding,) = select_universe(case(situation(preferences=wishes))).findings

    assert (finding.rule_id, finding.severity, finding.subject) == ("R07", "BLOCK", "VWO")
    assert "risk level R4; a client of class C3 may hold up to R3" in finding.message.en
    assert "R4" in finding.message.zh


def test_the_lowest_class_has_no_override() -> None:
    wishes = Preferences(required_products=(RequiredProduct("BND", 0.1),))

    (finding,) = select_universe(case(situation("US", "C1", preferences=wishes))).findings

    assert (finding.rule_id, finding.severity) == ("R08", "BLOCK")
    assert "no override" in finding.message.en


@pytest.mark.parametrize(("jurisdiction", "product_id", "rule_id"), [("US", "510300", "R13"), ("CN", "511220", "R15")])
def test_a_required_product_that_cannot_be_held_blocks(jurisdiction: str, product_id: str, rule_id: str) -> None:
    wishes = Preferences(required_products=(RequiredProduct(product_id, 0.1),))

    (finding,) = select_universe(case(situation(jurisdiction, "C5", preferences=wishes))).findings

    assert (finding.rule_id, finding.severity) == (rule_id, "BLOCK")


def test_an_empty_universe_blocks() -> None:
    wishes = Preferences(excluded_asset_classes=tuple(catalogue().assumptions.classes))

    selection = select_universe(case(situation(preferences=wishes)))

    assert selection.universe.eligible_product_ids == ()
    assert [finding.severity for finding in selection.findings] == ["BLOCK"]
