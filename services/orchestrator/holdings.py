"""What the client holds today: worth, share and identity of each position."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import count

from services.orchestrator.case import Case
from services.orchestrator.catalogue.load import Catalogue
from services.orchestrator.catalogue.rules import LEVELS
from services.orchestrator.catalogue.schema import RiskLevelName
from services.orchestrator.money import Money
from services.orchestrator.situation import ClientSituation, Holding
from services.orchestrator.suitability.finding import Finding, found, warning
from services.orchestrator.suitability.levels import is_above
from services.orchestrator.suitability.universe import above_class, why_not
from services.orchestrator.text import Text


@dataclass(frozen=True)
class Position:
    """One holding with its worth and its share of holdings and cash.

    key: the product's id, or EXT1, EXT2, ... for funds outside the catalogue, whose free names are not identifiers.
    expense_ratio: None where it is not known.
    """

    key: str
    name: Text
    asset_class: str
    risk_level: RiskLevelName
    value: Money
    weight: float
    units: Decimal | None
    price: Money | None
    external: bool
    expense_ratio: float | None


@dataclass(frozen=True)
class CurrentPortfolio:
    """Everything the client has today; positions and cash sum exactly to the total."""

    positions: tuple[Position, ...]
    cash: Money
    total: Money

    def position(self, key: str) -> Position | None:
        """Return the position with this key, or None if nothing of it is held."""
        return next((position for position in self.positions if position.key == key), None)

    def weight(self, key: str) -> float:
        """Return today's share of a product, 0 where none is held."""
        position = self.position(key)
        return 0.0 if position is None else position.weight


def current_portfolio(situation: ClientSituation, catalogue: Catalogue) -> CurrentPortfolio:
    """Return what a checked situation holds; values are rounded to cents or fen."""
    currency = situation.base_currency
    values = [_value(holding, currency) for holding in situation.holdings]
    cash = situation.cash or Money(currency, Decimal(0))
    total = Money(currency, sum((value.amount for value in values), cash.amount))
    keys = _keys(situation, catalogue)
    positions = tuple(
        _position(holding, key, value, total, catalogue)
        for holding, key, value in zip(situation.holdings, keys, values, strict=True)
    )
    return CurrentPortfolio(positions, cash, total)


def must_be_sold(case: Case, position: Position) -> tuple[str, Text] | None:
    """Return the rule and reason why a position cannot be kept, or None: what may not be bought may not be kept.

    A fund outside the catalogue may be kept unless its level is above the class or the client excludes it.
    """
    if not position.external:
        return why_not(case, case.catalogue.products[position.key])
    preferences = case.situation.preferences
    if is_above(position.risk_level, case.max_level):
        return "R07", above_class(position.risk_level, case)
    if position.name.en in preferences.excluded_product_ids:
        return "", Text("excluded by the client", "客户排除的产品")
    if position.asset_class in preferences.excluded_asset_classes:
        return "", Text("asset class excluded by the client", "客户排除的资产类别")
    return None


def holding_findings(case: Case, current: CurrentPortfolio) -> tuple[Finding, ...]:
    """Return a warning for each position that must be sold or whose fee is not known."""
    return tuple(finding for position in current.positions for finding in _position_findings(case, position))


def _position_findings(case: Case, position: Position) -> Iterator[Finding]:
    verdict, name = must_be_sold(case, position), position.name
    if verdict is not None:
        rule, reason = verdict
        message = Text(
            f"{name.en} is held today and is sold in the proposal: {reason.en}.",
            f"当前持有的{name.zh_or_en}在方案中卖出：{reason.zh}。",
        )
        yield found(case.pack, rule, message, position.key, "WARNING") if rule else warning(message, position.key)
    if position.expense_ratio is None:
        message = Text(
            f"The fee of {name.en} is not known and counts as zero here: ask the issuer before relying on costs.",
            f"{name.zh_or_en}的费率未知，此处按零计算：参考费用前请向发行人核实。",
        )
        yield found(case.pack, "R15", message, position.key, "WARNING")


def _value(holding: Holding, currency: str) -> Money:
    if holding.value is not None:
        return holding.value.rounded()
    units, price = holding.units or Decimal(0), holding.price or Money(currency, Decimal(0))
    return Money(currency, units * price.amount).rounded()


def _keys(situation: ClientSituation, catalogue: Catalogue) -> list[str]:
    """Return a key for each holding; externals are numbered past any product of the same name."""
    free = (key for key in (f"EXT{n}" for n in count(1)) if key not in catalogue.products)
    return [next(free) if holding.external is not None else holding.product_id for holding in situation.holdings]


def _position(holding: Holding, key: str, value: Money, total: Money, catalogue: Catalogue) -> Position:
    weight = float(value.amount / total.amount)
    external = holding.external
    if external is not None:
        name, level = Text(external.name, external.name), external.risk_level or LEVELS[-1]
        asset_class, fee = external.asset_class, external.expense_ratio
    else:
        product = catalogue.products[key]
        name, level, asset_class = Text.of(product.name), product.risk_level.level, product.asset_class
        fee = product.expense_ratio.value if product.expense_ratio else None
    return Position(
        key, name, asset_class, level, value, weight, holding.units, holding.price, external is not None, fee
    )
