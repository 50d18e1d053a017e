"""Parts of sentences that list a brief's products, ready to be put into phrases."""

from __future__ import annotations

from services.advice.brief import Brief, Product
from services.advice.claims import proposed, side_of
from services.advice.numbers import find_quantities
from services.advice.phrasebook import phrasebook

# Longer lists stop being read; the table has the rest.
MAX_HOLDINGS = 3
MAX_TRADES = 4


def portfolio_fragments(brief: Brief) -> dict[str, str]:
    """Return the fragments about the whole portfolio; one whose facts are missing is left out."""
    found = _mentions(brief) | _top_class(brief)
    goals = phrasebook(brief.language).goals
    found["goal"] = goals.get(brief.goal, goals[""])
    for side, name in (("BUY", "buys"), ("SELL", "sells")):
        traded = [product for product in brief.products if side_of(brief, product) == side]
        traded.sort(key=lambda product: -(brief.amount(brief.fact_id("trade", product.id)) or 0.0))
        if traded and len(traded) <= MAX_TRADES:
            found[name] = _joined([_with(brief, "trade", product) for product in traded], brief.language)
        elif traded:
            found[name] = _joined(
                [_with(brief, "trade", p) for p in traded[:MAX_TRADES]] + [_rest(brief)], brief.language
            )
    return found


def product_fragments(brief: Brief, product: Product) -> dict[str, str]:
    """Return the fragments about one product."""
    found = {"product": product.id}
    if not find_quantities(product.asset_class_name.of(brief.language)):
        found["class_name"] = product.asset_class_name.of(brief.language)
    for name, prefix in (("product_weight", "weight"), ("product_share", "risk_share"), ("product_fee", "fee")):
        _point(found, brief, name, prefix, product)
    return found


def _mentions(brief: Brief) -> dict[str, str]:
    found: dict[str, str] = {}
    held = [product for product in proposed(brief) if brief.fact_id("weight", product.id) in brief.fact]
    if not held:
        return found
    found["top"] = held[0].id
    _point(found, brief, "top_weight", "weight", held[0])
    found["holdings"] = _joined([_with(brief, "weight", product) for product in held[:MAX_HOLDINGS]], brief.language)
    driver = _largest(brief, held, "risk_share")
    if driver and len(held) > 1:
        found["driver"] = driver.id
        _point(found, brief, "driver_share", "risk_share", driver)
        _point(found, brief, "driver_weight", "weight", driver)
    dearest = _largest(brief, held, "fee")
    if dearest:
        found["dearest"] = dearest.id
        _point(found, brief, "dearest_fee", "fee", dearest)
    return found


def _top_class(brief: Brief) -> dict[str, str]:
    weights = {
        fact.id.removeprefix("class_weight."): fact.amount or 0.0
        for fact in brief.facts
        if fact.id.startswith("class_weight.")
    }
    names = {product.asset_class: product.asset_class_name.of(brief.language) for product in brief.products}
    if not weights:
        return {}
    top = max(weights, key=lambda key: weights[key])
    name = names.get(top, "")
    if not name or find_quantities(name):
        return {}
    return {"top_class": name, "top_class_weight": f"{{{{f:class_weight.{top}}}}}"}


def _largest(brief: Brief, products: list[Product], prefix: str) -> Product | None:
    """Return the product whose fact is largest; None where a product lacks it, for then nobody knows."""
    amounts = [brief.amount(brief.fact_id(prefix, product.id)) for product in products]
    known = [amount for amount in amounts if amount is not None]
    if len(known) < len(products):
        return None
    return products[amounts.index(max(known))]


def _point(found: dict[str, str], brief: Brief, name: str, prefix: str, product: Product) -> None:
    fact_id = brief.fact_id(prefix, product.id)
    if fact_id in brief.fact:
        found[name] = f"{{{{f:{fact_id}}}}}"


def _with(brief: Brief, prefix: str, product: Product) -> str:
    value = f"{{{{f:{brief.fact_id(prefix, product.id)}}}}}"
    name = f"{{{{p:{product.id}}}}}"
    return f"{name}（{value}）" if brief.language == "zh" else f"{name} ({value})"


def _rest(brief: Brief) -> str:
    return "其余见交易表" if brief.language == "zh" else "the rest as listed in the table"


def _joined(parts: list[str], language: str) -> str:
    if language == "zh":
        return "、".join(parts)
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
