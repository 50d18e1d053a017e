"""Facts on the asset classes that a proposal rests on, as the dated assumptions state them."""

from __future__ import annotations

from collections.abc import Iterator

from services.orchestrator.facts.fact import Fact, Subject
from services.orchestrator.facts.make import About, Roots
from services.orchestrator.holdings import CurrentPortfolio
from services.orchestrator.recommendation import Recommendation
from services.orchestrator.text import Text
from shared.assumptions import USD_CNY


def assumption_facts(roots: Roots, classes: tuple[str, ...]) -> Iterator[Fact]:
    """Yield expected return and volatility of each class, in the class's own currency and before fund fees.

    Where a class has another currency than the client, what is assumed of the exchange rate follows.
    """
    assumptions = roots.case.catalogue.assumptions
    for key in classes:
        entry, subject = assumptions.classes[key], Subject("ASSET_CLASS", key)
        en, zh, source, as_of = (
            entry.name.en,
            entry.name.zh or entry.name.en,
            roots.assumption(entry),
            assumptions.as_of,
        )
        label = Text(f"assumed yearly return of {en}", f"{zh}的假设年化收益")
        about = About(f"assumption.{key}.expected_return", subject, label, "HYPOTHETICAL", source, as_of, False)
        yield about.percent(entry.expected_return)
        label = Text(f"assumed yearly volatility of {en}", f"{zh}的假设年化波动率")
        about = About(f"assumption.{key}.volatility", subject, label, "HYPOTHETICAL", source, as_of)
        yield about.percent(entry.volatility)
    if any(_is_foreign(roots, key) for key in classes):
        yield from _currency_facts(roots)


def _currency_facts(roots: Roots) -> Iterator[Fact]:
    assumptions = roots.case.catalogue.assumptions
    entry, subject, as_of = assumptions.usd_cny, Subject("ASSET_CLASS", USD_CNY), assumptions.as_of
    source = roots.assumption(entry)
    label = Text("assumed yearly change of the US dollar in yuan", "美元兑人民币的假设年变动")
    about = About(f"assumption.{USD_CNY}.expected_return", subject, label, "HYPOTHETICAL", source, as_of, False)
    yield about.percent(entry.expected_change)
    label = Text("assumed yearly volatility of the US dollar in yuan", "美元兑人民币的假设年化波动率")
    yield About(f"assumption.{USD_CNY}.volatility", subject, label, "HYPOTHETICAL", source, as_of).percent(
        entry.volatility
    )


def exposed_classes(roots: Roots, current: CurrentPortfolio, key: str) -> tuple[str, ...]:
    """Return the asset classes inside a product, or the one that an external fund is said to behave like."""
    product, position = roots.case.catalogue.products.get(key), current.position(key)
    if product is not None:
        return tuple(product.exposures.classes)
    return (position.asset_class,) if position is not None else ()


def used_classes(roots: Roots, current: CurrentPortfolio, recommendation: Recommendation) -> tuple[str, ...]:
    """Return the asset classes inside the proposed and the held products, in the order of the assumptions."""
    keys = {line.product_id for line in recommendation.lines} | {position.key for position in current.positions}
    used = {name for key in keys for name in exposed_classes(roots, current, key)}
    return tuple(name for name in roots.case.catalogue.assumptions.classes if name in used)


def weight_roots(roots: Roots, current: CurrentPortfolio, key: str) -> tuple[str, ...]:
    """Return the ids of the facts that the optimizer computed a product's share from."""
    names = exposed_classes(roots, current, key)
    product = roots.case.catalogue.products.get(key)
    is_hedged = product is not None and product.exposures.currency_hedged
    if not is_hedged and any(_is_foreign(roots, name) for name in names):
        names = (*names, USD_CNY)
    return tuple(f"assumption.{name}.{part}" for name in names for part in ("expected_return", "volatility"))


def _is_foreign(roots: Roots, asset_class: str) -> bool:
    return roots.case.catalogue.assumptions.classes[asset_class].currency != roots.case.currency
