"""Facts on single products: share, worth, trade, fee and part of the risk."""

from __future__ import annotations

from collections.abc import Iterator

from services.orchestrator.allocation import AllocationLine
from services.orchestrator.facts.fact import Fact, Subject, fact_key
from services.orchestrator.facts.make import FEE_DECIMALS, About, Roots, derived, rendered_as
from services.orchestrator.holdings import CurrentPortfolio, Position
from services.orchestrator.money import apportion
from services.orchestrator.numbers import percent
from services.orchestrator.recommendation import Recommendation
from services.orchestrator.text import Text
from services.orchestrator.trades import Trade

# Weights are shown in tenths of a percent.
STEPS = 1000
_SIDES = {"BUY": Text("buy", "买入"), "SELL": Text("sell", "卖出")}


def fee_facts(roots: Roots, current: CurrentPortfolio, recommendation: Recommendation) -> Iterator[Fact]:
    """Yield the known yearly fee of each product that is proposed or held; an unknown fee has no fact."""
    keys = [*(line.product_id for line in recommendation.lines), *(position.key for position in current.positions)]
    for key in dict.fromkeys(keys):
        product, position = roots.case.catalogue.products.get(key), current.position(key)
        if product is not None and product.expense_ratio is not None:
            fee = product.expense_ratio
            label = Text(f"yearly fees of {product.name.en}", f"{product.name.zh or product.name.en}的年费率")
            about = About(f"fee.{fact_key(key)}", _product(key), label, "STATED", roots.knowledge(fee), fee.as_of)
            yield about.percent(fee.value, FEE_DECIMALS)
        elif product is None and position is not None and position.expense_ratio is not None:
            yield _stated_fee(roots, position, position.expense_ratio)


def weight_facts(roots: Roots, recommendation: Recommendation, roots_of: dict[str, tuple[str, ...]]) -> list[Fact]:
    """Return each line's share; shown in tenths of a percent that add up to 100.0 % (largest remainders).

    roots_of: by product, the facts that the optimizer computed the share from.
    """
    shown = shown_tenths(recommendation.lines)
    facts = []
    for line in recommendation.lines:
        key = line.product_id
        label = Text(f"share of {line.name.en}", f"{line.name.zh_or_en}的占比")
        source = roots.solver(*roots_of.get(key, ()))
        fact = About(f"weight.{fact_key(key)}", _product(key), label, "ACTUAL", source).percent(line.weight)
        tenth = shown[key] / STEPS
        facts.append(rendered_as(fact, Text(percent(tenth, "en"), percent(tenth, "zh"))))
    return facts


def shown_tenths(lines: tuple[AllocationLine, ...]) -> dict[str, int]:
    """Return each line's share in whole tenths of a percent; they sum to 1,000."""
    parts = apportion(STEPS, [line.weight for line in lines])
    return {line.product_id: part for line, part in zip(lines, parts, strict=True)}


def line_facts(recommendation: Recommendation, weights: list[Fact], total: Fact, roots: Roots) -> Iterator[Fact]:
    """Yield each line's worth and its part of the risk."""
    volatility = recommendation.analysis.volatility
    for line, weight in zip(recommendation.lines, weights, strict=True):
        key, name = fact_key(line.product_id), line.name
        label = Text(f"worth of {name.en} in the proposal", f"方案中{name.zh_or_en}的金额")
        source = derived("share x total", [weight, total])
        yield About(f"value.{key}", _product(line.product_id), label, "ACTUAL", source).money(line.value)
        if volatility > 0.0:
            label = Text(f"part of {name.en} in the volatility", f"{name.zh_or_en}对波动的贡献")
            as_of = roots.case.catalogue.assumptions.as_of
            source = roots.solver(weight.id, "volatility")
            about = About(f"risk_share.{key}", _product(line.product_id), label, "HYPOTHETICAL", source, as_of)
            yield about.percent(line.risk_contribution / volatility)


def trade_facts(recommendation: Recommendation, current: CurrentPortfolio, known: dict[str, Fact]) -> Iterator[Fact]:
    """Yield amount and direction of each trade; known: facts by id, to derive from."""
    names = {position.key: position.name for position in current.positions}
    names.update({line.product_id: line.name for line in recommendation.lines})
    for trade in recommendation.trades:
        yield from _trade(trade, names[trade.product_id], known)


def _trade(trade: Trade, name: Text, known: dict[str, Fact]) -> Iterator[Fact]:
    key, subject = fact_key(trade.product_id), _product(trade.product_id)
    inputs = [known[id_] for id_ in (f"value.{key}", "total_value") if id_ in known]
    source = derived("proposed worth less worth today", inputs)
    label = Text(f"amount of {name.en} to trade", f"{name.zh_or_en}的交易金额")
    yield About(f"trade.{key}", subject, label, "ACTUAL", source).money(trade.amount)
    label = Text(f"direction of the trade in {name.en}", f"{name.zh_or_en}的交易方向")
    yield About(f"trade_side.{key}", subject, label, "ACTUAL", source).words(trade.side, _SIDES[trade.side])


def _stated_fee(roots: Roots, position: Position, fee: float) -> Fact:
    label = Text(f"yearly fees of {position.name.en}", f"{position.name.zh_or_en}的年费率")
    about = About(f"fee.{fact_key(position.key)}", _product(position.key), label, "CLIENT_STATED", roots.client())
    return about.percent(fee, FEE_DECIMALS)


def _product(key: str) -> Subject:
    return Subject("PRODUCT", key)
