"""Shadow prices against what happens when the limit is really loosened."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.optimizer.answers import Portfolio
from services.optimizer.objective import MeanVarianceUtility, MinimumVariance
from services.optimizer.problem import Bound, Limits, Problem
from tests.unit.optimizer.builders import best, dense_market, group, kb_market, kb_products, products, relaxed

MARKET = kb_market()
PRODUCTS = kb_products("US")
# Utility is accurate to 1e-15, so a step of 1e-4 leaves the second derivative as the only error.
STEP = 1e-4
Objective = MeanVarianceUtility | MinimumVariance


def _gain(portfolio: Portfolio, objective: Objective) -> float:
    """Return the value of the request's own objective, to be maximised."""
    variance = portfolio.analysis.volatility**2
    if isinstance(objective, MinimumVariance):
        return -variance
    return portfolio.analysis.expected_return_net - 0.5 * objective.risk_aversion * variance


@pytest.mark.parametrize("objective", [MeanVarianceUtility(3.0), MeanVarianceUtility(40.0), MinimumVariance()])
@pytest.mark.parametrize(
    ("limits", "current"),
    [
        (Limits({"SGOV": Bound(maximum=0.2), "VWO": Bound(0.05, 0.08), "BND": Bound(maximum=0.1)}), None),
        (Limits(groups=(group("shares", ["VTI", "VEA", "VWO"], 0.3, 0.5), group("gold", ["IAU"], 0.1))), None),
        (Limits(max_volatility=0.06), None),
        (Limits({"VTI": Bound(minimum=0.3)}, max_volatility=0.06), None),
        (Limits(max_turnover=0.25), {"VTI": 0.5, "IAU": 0.4}),
        (Limits({"IAU": Bound(maximum=0.2)}, max_turnover=0.4, max_volatility=0.08), {"VTI": 0.5, "IAU": 0.4}),
    ],
)
def test_a_shadow_price_is_the_gain_of_the_objective_per_unit_of_the_limit(
    limits: Limits, current: dict[str, float] | None, objective: Objective
) -> None:
    problem = Problem("USD", PRODUCTS, limits, current)
    portfolio = best(problem, MARKET, objective)
    for limit in portfolio.binding_limits:
        sign = -1.0 if limit.field.endswith("min_weight") else 1.0

        looser, tighter = (
            _gain(
                best(replace(problem, limits=relaxed(limits, limit.field, limit.bound + step)), MARKET, objective),
                objective,
            )
            for step in (sign * STEP, -sign * STEP)
        )

        assert limit.shadow_price == pytest.approx((looser - tighter) / (2 * STEP), rel=5e-3, abs=1e-7)


def test_limits_that_do_not_bind_are_not_listed() -> None:
    limits = Limits({"p0": Bound(maximum=0.9)}, (group("all", ["p0", "p1"], 0.5),), max_volatility=0.5)

    portfolio = best(Problem("USD", products(2), limits), dense_market([0.05, 0.05], [[0.04, 0.0], [0.0, 0.01]]))

    assert portfolio.binding_limits == ()


def test_the_dearest_limit_comes_first() -> None:
    limits = Limits({"SGOV": Bound(maximum=0.05)}, (group("gold", ["IAU"], minimum=0.3),))

    binding = best(Problem("USD", PRODUCTS, limits), MARKET, MeanVarianceUtility(10.0)).binding_limits

    prices = [limit.shadow_price for limit in binding]
    assert binding[0].field == "limits.groups[gold].min_weight"
    assert prices == sorted(prices, reverse=True)
    assert min(prices) > 0.0


def test_an_excluded_product_shows_what_the_exclusion_costs() -> None:
    limits = Limits({"p1": Bound(maximum=0.0)})
    market = dense_market([0.05, 0.05], [[0.04, 0.0], [0.0, 0.01]])

    (limit,) = best(Problem("USD", products(2), limits), market).binding_limits

    # The variance 0.04 w^2 + 0.01 (1 - w)^2 has the slope 0.08 at w = 1.
    assert (limit.field, limit.bound) == ("limits.products[p1].max_weight", 0.0)
    assert limit.shadow_price == pytest.approx(0.08, rel=1e-6)
