"""The products that a question names, and the stated facts about them that its answer may show."""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.orchestrator.catalogue.load import Catalogue
from services.orchestrator.catalogue.schema import DerivedLevel, Product
from services.orchestrator.facts.fact import Fact, FactSource, Subject, fact_key
from services.orchestrator.facts.make import FEE_DECIMALS, About
from services.orchestrator.naming import NamedProduct, main_risks
from services.orchestrator.text import Text

# A question about more products than this is about none of them.
MAX_PRODUCTS = 5
# Shorter names are found inside of other words.
_SHORTEST_NAME = {"latin": 5, "chinese": 3}
# Identifiers are matched as written: "tip" and "agg" are words, TIP and AGG are funds. A Chinese letter may follow
# at once, so that \b does not do.
_IDENTIFIER = re.compile(r"(?<![A-Za-z0-9])[A-Z0-9]{2,12}(?![A-Za-z0-9])")


def mentioned_products(text: str, catalogue: Catalogue, jurisdiction: str = "") -> tuple[Product, ...]:
    """Return the products that a text names by identifier, name or alias, at most MAX_PRODUCTS.

    jurisdiction: only products that may be advised on there; "" for all.
    """
    identifiers, folded = set(_IDENTIFIER.findall(text)), text.casefold()
    found = [
        product
        for _, product in sorted(catalogue.products.items())
        if (not jurisdiction or jurisdiction in product.jurisdictions)
        and (product.id in identifiers or any(name in folded for name in _names(product)))
    ]
    return tuple(found[:MAX_PRODUCTS])


def stated_facts(product: Product, catalogue: Catalogue) -> Iterator[Fact]:
    """Yield a product's fee, where it is known, and its risk level."""
    key, subject, fee = fact_key(product.id), Subject("PRODUCT", product.id), product.expense_ratio
    if fee is not None:
        source = FactSource("KNOWLEDGE_BASE", fee.source, catalogue.digest, fee.verified)
        label = Text("yearly cost (fund fees)", "每年的费用（基金费率）")
        yield About(f"fee.{key}", subject, label, "STATED", source, fee.as_of).percent(fee.value, FEE_DECIMALS)
    level = product.risk_level
    if isinstance(level, DerivedLevel):
        source = FactSource("RULE", level.rule, catalogue.digest, catalogue.level_rule.verified)
    else:
        source = FactSource("KNOWLEDGE_BASE", level.source, catalogue.digest, level.verified)
    about = About(f"risk_level.{key}", subject, Text("risk level", "风险等级"), "STATED", source)
    yield about.words(level.level, Text(level.level, level.level))


def named(product: Product, catalogue: Catalogue) -> NamedProduct:
    """Return a product as a text may name it."""
    return NamedProduct(
        product_id=product.id,
        name=Text.of(product.name),
        asset_class=product.asset_class,
        asset_class_name=Text.of(catalogue.assumptions.classes[product.asset_class].name),
        main_risks=main_risks(product),
        held_today=False,
        proposed=False,
    )


def _names(product: Product) -> list[str]:
    names = [product.name.en, product.name.zh or "", *product.aliases]
    return [name.casefold() for name in names if len(name) >= _SHORTEST_NAME["latin" if name.isascii() else "chinese"]]
