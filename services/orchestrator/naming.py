"""The products that advice text may name, with their risks in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from services.orchestrator.case import Case
from services.orchestrator.catalogue.schema import Product
from services.orchestrator.holdings import CurrentPortfolio
from services.orchestrator.recommendation import Recommendation
from services.orchestrator.text import Text


@dataclass(frozen=True)
class NamedProduct:
    """A product that may be named; a fund outside the catalogue has no known risks."""

    product_id: str
    name: Text
    asset_class: str
    asset_class_name: Text
    main_risks: tuple[Text, ...]
    held_today: bool
    proposed: bool


def named_products(case: Case, current: CurrentPortfolio, recommendation: Recommendation) -> tuple[NamedProduct, ...]:
    """Return the products of the proposal, the largest first, then holdings that are sold."""
    return tuple(_named(case, current, recommendation))


def main_risks(product: Product) -> tuple[Text, ...]:
    """Return a product's main risks, most important first; a sentence missing in Chinese is empty there."""
    risks = product.main_risks
    return tuple(Text(en, zh) for en, zh in zip_longest(risks.en, risks.zh[: len(risks.en)], fillvalue=""))


def _named(case: Case, current: CurrentPortfolio, recommendation: Recommendation) -> Iterator[NamedProduct]:
    classes = case.catalogue.assumptions.classes
    proposed = {line.product_id: (line.name, line.asset_class) for line in recommendation.lines}
    held = {position.key: (position.name, position.asset_class) for position in current.positions}
    for key, (name, asset_class) in {**proposed, **held}.items():
        product = case.catalogue.products.get(key)
        yield NamedProduct(
            product_id=key,
            name=name,
            asset_class=asset_class,
            asset_class_name=Text.of(classes[asset_class].name),
            main_risks=main_risks(product) if product else (),
            held_today=key in held,
            proposed=key in proposed,
        )
