"""From the optimum to lines that a person can act on; their values add up exactly to the total.

The rule: weights below 0.1 % are dropped, a change of a holding below 0.05 % is not made, and what this frees is
spread over the other lines in proportion. The optimum stays in the recommendation, with its distance to the lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.orchestrator.case import Case
from services.orchestrator.catalogue.schema import RiskLevelName
from services.orchestrator.holdings import CurrentPortfolio
from services.orchestrator.money import Money
from services.orchestrator.portfolio import OptimalPortfolio, PortfolioProblem, Weight
from services.orchestrator.text import Text

# Interior-point solvers leave crumbs; below a tenth of a percent a line is not worth its trade.
SMALLEST_WEIGHT = 0.001
# Half of the last digit shown: a smaller change would be a trade that nobody can see in the weights.
SMALLEST_CHANGE = 0.0005
# Residuals of a checked solution are far below this.
_AT_BOUND = 1e-6


@dataclass(frozen=True)
class AllocationLine:
    """One line of the proposed portfolio; weights and the risk contribution are fractions."""

    product_id: str
    name: Text
    asset_class: str
    asset_class_name: Text
    risk_level: RiskLevelName
    current_weight: float
    weight: float
    value: Money
    risk_contribution: float
    external: bool


@dataclass(frozen=True)
class Cleaned:
    """Weights without crumbs, in the order of the optimum; the weight dropped; the distance to the optimum."""

    weights: tuple[Weight, ...]
    dropped_weight: float
    gap: float


def without_crumbs(optimum: tuple[Weight, ...], held: Mapping[str, float], caps: Mapping[str, float]) -> Cleaned:
    """Return the optimum as lines worth trading; they sum to one.

    held: today's weights.  caps: largest weights; a product without one has none.
    gap: half the sum of absolute differences to the optimum.
    """
    targets = {item.product_id: _target(item, held, caps) for item in optimum}
    spread = _spread(targets, held, caps)
    weights = tuple(Weight(item.product_id, spread[item.product_id]) for item in optimum)
    dropped = sum(max(item.weight, 0.0) for item in optimum if targets[item.product_id] == 0.0)
    gap = sum(abs(a.weight - b.weight) for a, b in zip(optimum, weights, strict=True)) / 2
    return Cleaned(weights, dropped, gap)


def weight_caps(problem: PortfolioProblem) -> dict[str, float]:
    """Return the largest weight of each product that has one."""
    return {bound.product_id: bound.max_weight for bound in problem.limits.products if bound.max_weight is not None}


def allocation_lines(
    case: Case, current: CurrentPortfolio, optimal: OptimalPortfolio, weights: tuple[Weight, ...]
) -> tuple[AllocationLine, ...]:
    """Return the lines, the largest first; their values sum exactly to the total."""
    contributions = {part.product_id: part.contribution for part in optimal.analysis.risk_contributions}
    kept = [weight for weight in weights if weight.weight > 0.0]
    values = current.total.split([weight.weight for weight in kept])
    lines = [
        _line(case, current, weight, value, contributions.get(weight.product_id, 0.0))
        for weight, value in zip(kept, values, strict=True)
    ]
    return tuple(sorted(lines, key=lambda line: (-line.weight, line.product_id)))


def _target(item: Weight, held: Mapping[str, float], caps: Mapping[str, float]) -> float:
    today = held.get(item.product_id, 0.0)
    may_stay = today <= caps.get(item.product_id, 1.0) + _AT_BOUND
    if today > 0.0 and may_stay and abs(item.weight - today) < SMALLEST_CHANGE:
        return today
    return item.weight if item.weight >= SMALLEST_WEIGHT else 0.0


def _spread(targets: Mapping[str, float], held: Mapping[str, float], caps: Mapping[str, float]) -> dict[str, float]:
    """Return targets that sum to one: lines that are traded anyway and have room take up the difference."""
    missing = 1.0 - sum(targets.values())
    positive = {key: weight for key, weight in targets.items() if weight > 0.0}
    traded = {key: weight for key, weight in positive.items() if weight != held.get(key)}
    roomy = {key: weight for key, weight in traded.items() if weight + abs(missing) <= caps.get(key, 1.0)}
    takers = roomy or traded or positive
    scale = missing / sum(takers.values())
    return {key: weight + weight * scale if key in takers else weight for key, weight in targets.items()}


def _line(case: Case, current: CurrentPortfolio, weight: Weight, value: Money, contribution: float) -> AllocationLine:
    key = weight.product_id
    name, asset_class, level = _identity(case, current, key)
    return AllocationLine(
        product_id=key,
        name=name,
        asset_class=asset_class,
        asset_class_name=Text.of(case.catalogue.assumptions.classes[asset_class].name),
        risk_level=level,
        current_weight=current.weight(key),
        weight=weight.weight,
        value=value,
        risk_contribution=contribution,
        external=key not in case.catalogue.products,
    )


def _identity(case: Case, current: CurrentPortfolio, key: str) -> tuple[Text, str, RiskLevelName]:
    position = current.position(key)
    if position is not None:
        return position.name, position.asset_class, position.risk_level
    product = case.catalogue.products[key]
    return Text.of(product.name), product.asset_class, product.risk_level.level
