"""Scenarios from past prices, for what is said of the worst of them where a request brings none of its own."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from services.optimizer.estimates import MAX_OUTCOMES, Scenarios
from services.optimizer.objective import MeanCvarUtility, MinimumCvar, Wanted
from services.optimizer.price_snapshot import PriceSnapshot
from services.optimizer.problem import Problem
from services.optimizer.tail_risk import MIN_OUTCOMES, gains_over
from shared.errors import InvalidRequest

# A stream of clients asks over the same products again and again; at the most 80 MB each.
_SETS_KEPT = 4


def with_past_scenarios(problem: Problem, objective: Wanted, prices: PriceSnapshot | None) -> Problem:
    """Return the problem with scenarios from the prices where it needs some, brings none, and the prices have them.

    prices: of the market snapshot, None where it holds none.
    Raises InvalidRequest where too few stretches of the horizon's length fit into the history.
    """
    if prices is None or problem.scenarios is not None or not _needs_scenarios(problem, objective):
        return problem
    names = tuple(product.id for product in problem.products)
    if prices.currency != problem.base_currency or not set(names) <= set(prices.panel.product_ids):
        return problem
    return replace(problem, past=_past(prices, names, problem.scenario_horizon_years))


def _needs_scenarios(problem: Problem, objective: Wanted) -> bool:
    return problem.limits.max_cvar is not None or isinstance(objective, MinimumCvar | MeanCvarUtility)


@lru_cache(maxsize=_SETS_KEPT)
def _past(prices: PriceSnapshot, names: tuple[str, ...], horizon_years: float) -> Scenarios:
    """Return what each product gained over each stretch of the horizon's length, the latest if too many."""
    gains = gains_over(prices.panel.history(names), horizon_years)
    if len(gains) < MIN_OUTCOMES:
        raise InvalidRequest.of(
            "problem.scenario_horizon_years",
            f"the prices hold {len(gains)} stretches of {horizon_years:g} years on days that all products share, "
            f"expected at least {MIN_OUTCOMES}; shorten the horizon, drop a product with few prices, or import more",
        )
    gains = gains[-(MAX_OUTCOMES // len(names)) :]
    gains.setflags(write=False)
    return Scenarios(gains, horizon_years)
