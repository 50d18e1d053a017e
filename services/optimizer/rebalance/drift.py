"""How far what is held is from its target, and whether that is far enough to trade."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

from services.optimizer.rebalance.problem import ZERO, RebalanceProblem

Amounts = Mapping[str, Decimal]


def target_amounts(problem: RebalanceProblem) -> dict[str, Decimal]:
    """Return what every product should be worth; the rest of the total worth is cash.

    Where the target weights and the cash kept exceed one together, the weights are scaled down to fit.
    """
    total = sum(problem.target.values(), ZERO)
    room = 1 - problem.cash_kept
    scale = room / total if total > room else Decimal(1)
    return {product: problem.target.get(product, ZERO) * scale * problem.worth for product in problem.by_id}


def drift(held: Amounts, target: Amounts, cash: Decimal, worth: Decimal, worth_of_target: Decimal) -> Decimal:
    """Return half the sum of absolute differences of weights, cash among them.

    held, cash: amounts out of `worth`.  target: amounts out of `worth_of_target`, what they leave is cash.
    Source: Betterment, Portfolio Rebalancing Methodology; half the l1 distance is the share to be moved.
    """
    gaps = [held[product] / worth - amount / worth_of_target for product, amount in target.items()]
    cash_gap = cash / worth - (1 - sum(target.values(), ZERO) / worth_of_target)
    return (sum(map(abs, gaps), ZERO) + abs(cash_gap)) / 2


def is_outside_band(problem: RebalanceProblem, held: Amounts, target: Amounts) -> bool:
    """Return whether the weight of an asset class is farther from its target than its band allows."""
    if not problem.bands:
        return False
    gaps: defaultdict[str, Decimal] = defaultdict(Decimal)
    for product, amount in target.items():
        gaps[problem.by_id[product].asset_class] += held[product] - amount
    return any(abs(gaps[name]) > distance * problem.worth for name, distance in problem.bands.items())


def asks_for_trades(problem: RebalanceProblem, held: Amounts, target: Amounts, cash: Decimal) -> bool:
    """Return whether drift or a band asks for trades; a max_drift of 0 always does."""
    if problem.max_drift == ZERO:
        return True
    found = drift(held, target, cash, problem.worth, problem.worth)
    return found > problem.max_drift or is_outside_band(problem, held, target)
