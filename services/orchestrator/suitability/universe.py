"""Which products this client may hold, and for each other one the first reason why not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from services.orchestrator.case import Case
from services.orchestrator.catalogue.rules import LOWEST_CLASS
from services.orchestrator.catalogue.schema import Product, RiskLevelName
from services.orchestrator.suitability.finding import Finding, found
from services.orchestrator.suitability.levels import is_above
from services.orchestrator.text import Text


@dataclass(frozen=True)
class Exclusion:
    """Why some products are not eligible; rule_id is empty for the client's own wish and for the currency."""

    reason: Text
    rule_id: str
    product_ids: tuple[str, ...]


@dataclass(frozen=True)
class Universe:
    """Eligible products by identifier; every other one stands in one exclusion, its first reason; the largest first."""

    catalogue_count: int
    eligible_product_ids: tuple[str, ...]
    exclusions: tuple[Exclusion, ...]


@dataclass(frozen=True)
class Selection:
    """The universe, and what stands in the way of the client's wishes."""

    universe: Universe
    findings: tuple[Finding, ...]


def select_universe(case: Case) -> Selection:
    """Return the products this client may hold, with findings on required products that are not among them."""
    eligible: list[str] = []
    excluded: dict[tuple[str, Text], list[str]] = {}
    for product in sorted(case.catalogue.products.values(), key=lambda product: product.id):
        reason = why_not(case, product)
        if reason is None:
            eligible.append(product.id)
        else:
            excluded.setdefault(reason, []).append(product.id)
    largest_first = sorted(excluded.items(), key=lambda item: (-len(item[1]), item[0][1].en))
    exclusions = tuple(Exclusion(text, rule, tuple(ids)) for (rule, text), ids in largest_first)
    universe = Universe(len(case.catalogue.products), tuple(eligible), exclusions)
    return Selection(universe, (*_required_findings(case), *_empty_findings(case, universe)))


def why_not(case: Case, product: Product) -> tuple[str, Text] | None:
    """Return the first reason against a product as rule id and words, or None if this client may hold it."""
    return next(_reasons(case, product), None)


def above_class(level: RiskLevelName, case: Case) -> Text:
    """Return in words that a level is above what the client's class may hold."""
    limit, client_class = case.max_level, case.profile.client_class
    return Text(f"{level} is above {limit}, the limit of {client_class}", f"{level} 高于 {client_class} 的上限 {limit}")


def _reasons(case: Case, product: Product) -> Iterator[tuple[str, Text]]:
    situation, preferences = case.situation, case.situation.preferences
    level = product.risk_level.level
    if situation.jurisdiction not in product.jurisdictions:
        place = {"US": Text("the United States", "美国"), "CN": Text("mainland China", "中国内地")}
        where = place.get(situation.jurisdiction, Text(situation.jurisdiction, situation.jurisdiction))
        yield "R13", Text(f"not distributable in {where.en}", f"不可在{where.zh}销售")
    if product.currency != case.currency:
        yield "", Text(f"not dealt in {case.currency}", f"非{case.currency}计价交易")
    if is_above(level, case.max_level):
        yield "R07", above_class(level, case)
    if product.expense_ratio is None:
        yield "R15", Text("its fee is not known", "费率未知")
    if product.id in preferences.excluded_product_ids:
        yield "", Text("excluded by the client", "客户排除的产品")
    if product.asset_class in preferences.excluded_asset_classes:
        yield "", Text("asset class excluded by the client", "客户排除的资产类别")


def _required_findings(case: Case) -> Iterator[Finding]:
    for required in case.situation.preferences.required_products:
        product = case.catalogue.products[required.product_id]
        reason = why_not(case, product)
        if reason is None:
            continue
        if reason[0] == "R07":
            yield _required_above(case, product)
        else:
            yield found(case.pack, reason[0] or "R13", _not_eligible(product, reason[1]), product.id)


def _required_above(case: Case, product: Product) -> Finding:
    """Return R07, or for the lowest class R08, which knows no override."""
    level, client_class, limit = product.risk_level.level, case.profile.client_class, case.max_level
    lowest = client_class == LOWEST_CLASS
    name = product.name.zh or product.name.en
    no_override = (" There is no override for this class.", "该等级不得突破。") if lowest else ("", "")
    message = Text(
        f"The required {product.id} ({product.name.en}) has risk level {level}; a client of class {client_class} may "
        f"hold up to {limit}.{no_override[0]} Remove it from the required products, or choose one up to {limit}.",
        f"指定产品 {product.id}（{name}）的风险等级为 {level}，{client_class} 客户最高可持有 {limit}。"
        f"{no_override[1]}请取消指定，或选择不高于 {limit} 的产品。",
    )
    return found(case.pack, "R08" if lowest else "R07", message, product.id)


def _not_eligible(product: Product, reason: Text) -> Text:
    return Text(
        f"The required {product.id} cannot be held: {reason.en}. Remove it from the required products.",
        f"指定产品 {product.id} 不可持有：{reason.zh}。请取消指定。",
    )


def _empty_findings(case: Case, universe: Universe) -> Iterator[Finding]:
    if not universe.eligible_product_ids:
        message = Text(
            "No product of the catalogue is eligible for this client: loosen the client's exclusions.",
            "目录中没有适合该客户的产品：请放宽客户的排除条件。",
        )
        yield found(case.pack, "R13", message)
