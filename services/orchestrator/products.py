"""Find products and questionnaires in the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from services.orchestrator.catalogue.load import Catalogue
from services.orchestrator.catalogue.questionnaire import Questionnaire
from services.orchestrator.catalogue.rules import LEVELS
from services.orchestrator.catalogue.schema import Product, RiskLevelName
from services.orchestrator.suitability.score import newest_questionnaire
from shared.errors import NotFound


@dataclass(frozen=True)
class ProductFilter:
    """Which products; jurisdiction "" and level None do not restrict."""

    jurisdiction: str = ""
    max_level: RiskLevelName | None = None

    def admits(self, product: Product) -> bool:
        """Return whether a product may be advised on there and is not riskier."""
        is_there = not self.jurisdiction or self.jurisdiction in product.jurisdictions
        return is_there and (
            self.max_level is None or LEVELS.index(product.risk_level.level) <= LEVELS.index(self.max_level)
        )


@dataclass(frozen=True)
class ProductPage:
    """Products by identifier; `next_after` is the last of them where more follow, else ""."""

    products: tuple[Product, ...]
    next_after: str
    total: int


def product_named(catalogue: Catalogue, product_id: str) -> Product:
    """Return the product with this identifier. Raises NotFound."""
    product = catalogue.products.get(product_id)
    if product is None:
        raise NotFound(f'product "{product_id}" is not in the catalogue; list products to see which are')
    return product


def product_page(catalogue: Catalogue, only: ProductFilter, size: int, after: str = "") -> ProductPage:
    """Return the products behind `after` that the filter admits, at most `size`, and how many it admits in all."""
    admitted = [catalogue.products[key] for key in sorted(catalogue.products) if only.admits(catalogue.products[key])]
    rest = (product for product in admitted if product.id > after)
    shown = tuple(islice(rest, size))
    more = next(rest, None) is not None
    return ProductPage(shown, shown[-1].id if more else "", len(admitted))


def questionnaire_named(catalogue: Catalogue, questionnaire_id: str) -> Questionnaire:
    """Return the questionnaire with this identifier, the newest for "". Raises NotFound."""
    if not questionnaire_id:
        return newest_questionnaire(catalogue)
    questionnaire = catalogue.questionnaires.get(questionnaire_id)
    if questionnaire is None:
        known = ", ".join(sorted(catalogue.questionnaires))
        raise NotFound(f'questionnaire "{questionnaire_id}" does not exist; there are: {known}')
    return questionnaire
