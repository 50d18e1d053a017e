"""Every objective against a closed form, a published table or a second method."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import cvxpy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.optimizer.objective import (
    EqualWeight,
    InverseVolatility,
    MaximumDiversification,
    MaximumSharpe,
    MinimumVariance,
    RiskBudgeting,
    TargetReturn,
    TargetVolatility,
)
from services.optimizer.problem import Bound, Limits, Problem
from shared.errors import UnsupportedCombination
from tests.unit.optimizer.builders import REFERENCE, best, contradiction, dense_market, group, products
from tests.unit.optimizer.three_products import COVARIANCE, EXPECTED, FEW, FREE, MARKET, TIGHT, drawn_market

cp: Any = cvxpy


def _table(name: str) -> dict[str, Any]:
    path = REFERENCE / name
    if not path.exists():
        pytest.skip(f"no published table at {path}")
    content: dict[str, Any] = json.loads(path.read_text())
    return content


# Sharpe


def test_the_tangency_portfolio_is_the_inverse_covariance_times_excess_returns() -> None:
    tangency = np.linalg.solve(COVARIANCE, np.array(EXPECTED) - 0.01)

    weights = best(FREE, MARKET, MaximumSharpe(0.01)).weights

    assert weights == pytest.approx(tangency / tangency.sum(), abs=TIGHT)


@FEW
@given(st.integers(0, 10_000))
def test_the_sharpe_ratio_is_that_of_the_homogenised_program(seed: int) -> None:
    """Cornuejols and Tutuncu (2007), section 8.2, with caps and a group as second method."""
    market, expected, covariance = drawn_market(seed)
    items = products(6)
    limits = Limits({item.id: Bound(maximum=0.4) for item in items}, (group("g", ["p0", "p1"], 0.1, 0.5),))
    y, kappa = cp.Variable(6), cp.Variable()
    rows = [(expected - 0.005) @ y == 1, cp.sum(y) == kappa, y >= 0, y <= 0.4 * kappa]
    rows += [y[0] + y[1] >= 0.1 * kappa, y[0] + y[1] <= 0.5 * kappa]
    variance = cp.sum_squares(np.linalg.cholesky(covariance).T @ y)
    cp.Problem(cp.Minimize(variance), rows).solve(solver="CLARABEL")

    found = best(Problem("USD", items, limits), market, MaximumSharpe(0.005))

    ratio = (found.analysis.expected_return_net - 0.005) / found.analysis.volatility
    assert ratio == pytest.approx(1.0 / np.sqrt(variance.value), rel=1e-6)


def test_a_risk_free_rate_above_every_product_is_a_contradiction_that_names_it() -> None:
    (conflict,) = contradiction(FREE, MARKET, MaximumSharpe(0.2)).conflicts

    assert conflict.field == "objective.maximum_sharpe.risk_free_rate"
    assert conflict.bound == pytest.approx(0.2)
    assert conflict.relaxed_bound == pytest.approx(0.08, abs=2e-6)
    eased = MaximumSharpe(conflict.relaxed_bound or 0.0)
    assert best(FREE, MARKET, eased).weights == pytest.approx([1.0, 0.0, 0.0], abs=1e-3)


def test_a_volatility_limit_above_the_tangency_portfolio_changes_nothing_and_one_below_binds() -> None:
    free = best(FREE, MARKET, MaximumSharpe(0.01))
    problem = replace(FREE, limits=Limits({"p2": Bound(maximum=0.4)}))
    loose = best(replace(FREE, limits=Limits(max_volatility=0.2)), MARKET, MaximumSharpe(0.01))
    tight = best(problem, MARKET, MaximumSharpe(0.01))

    assert loose.weights == pytest.approx(free.weights, abs=1e-6)
    assert [limit.field for limit in tight.binding_limits] == ["limits.products[p2].max_weight"]


def test_the_price_of_a_limit_is_in_units_of_the_sharpe_ratio() -> None:
    def ratio(cap: float) -> float:
        found = best(replace(FREE, limits=Limits({"p2": Bound(maximum=cap)})), MARKET, MaximumSharpe(0.01))
        return (found.analysis.expected_return_net - 0.01) / found.analysis.volatility

    (limit,) = best(
        replace(FREE, limits=Limits({"p2": Bound(maximum=0.4)})), MARKET, MaximumSharpe(0.01)
    ).binding_limits

    assert limit.shadow_price == pytest.approx((ratio(0.4 + 1e-4) - ratio(0.4 - 1e-4)) / 2e-4, rel=1e-3)


# Targets


def test_a_target_return_below_the_least_volatile_portfolio_changes_nothing() -> None:
    least = best(FREE, MARKET, MinimumVariance())

    assert best(FREE, MARKET, TargetReturn(0.01)).weights == pytest.approx(least.weights, abs=TIGHT)


def test_a_target_return_solves_the_equations_of_merton() -> None:
    """Merton (1972): with both constraints as equalities the weights are linear in the target."""
    target, border = 0.06, np.vstack([np.ones(3), EXPECTED])
    system = np.block([[COVARIANCE, border.T], [border, np.zeros((2, 2))]])
    expected = np.linalg.solve(system, np.array([0, 0, 0, 1, target]))[:3]

    portfolio = best(FREE, MARKET, TargetReturn(target))

    assert portfolio.weights == pytest.approx(expected, abs=TIGHT)
    assert portfolio.analysis.expected_return_net == pytest.approx(target, abs=TIGHT)
    assert [limit.field for limit in portfolio.binding_limits] == ["objective.target_return.min_expected_return_net"]


def test_a_target_return_out_of_reach_names_the_highest_return_there_is() -> None:
    (conflict,) = contradiction(FREE, MARKET, TargetReturn(0.1)).conflicts

    assert conflict.field == "objective.target_return.min_expected_return_net"
    assert conflict.bound == pytest.approx(0.1)
    assert conflict.relaxed_bound == pytest.approx(0.08, abs=2e-6)


def test_markowitz_portfolios_of_1959_are_reproduced_from_a_target_return() -> None:
    """Markowitz (1959), chapter II, with a covariance that is singular."""
    table = _table("markowitz_1959_9stocks_cash.json")
    for case in table["cases"]:
        found = best(
            Problem("USD", products(10)), dense_market(table["mu"], table["cov"]), TargetReturn(case["target"])
        )

        # The book rounds to half a percentage point or to one.
        assert found.weights == pytest.approx(case["expected"], abs=case["grid"])


def test_the_mosek_cookbook_portfolio_is_reproduced_from_a_target_volatility() -> None:
    """MOSEK Portfolio Optimization Cookbook, section 2.4.1."""
    table = _table("mosek_cookbook_2_4_1.json")
    goal = TargetVolatility(float(np.sqrt(table["gamma2"])))

    found = best(Problem("USD", products(8)), dense_market(table["mu"], table["cov"]), goal)

    # Printed with four decimals, from inputs printed with four decimals.
    assert found.weights == pytest.approx(table["expected_w"], abs=1e-3)
    assert [limit.field for limit in found.binding_limits] == ["objective.target_volatility.max_volatility"]


def test_a_target_volatility_below_any_portfolio_names_the_least_there_is() -> None:
    least = best(FREE, MARKET, MinimumVariance()).analysis.volatility

    (conflict,) = contradiction(FREE, MARKET, TargetVolatility(0.01)).conflicts

    assert conflict.field == "objective.target_volatility.max_volatility"
    assert conflict.relaxed_bound == pytest.approx(least, abs=2e-6)


# Diversification and references


def test_the_most_diversified_portfolio_weighs_the_inverse_correlation() -> None:
    """Choueifaty and Coignard (2008): weights times volatility solve the correlation against ones."""
    deviations = np.sqrt(np.diag(COVARIANCE))
    scaled = np.linalg.solve(COVARIANCE, deviations)

    weights = best(FREE, MARKET, MaximumDiversification()).weights

    assert weights == pytest.approx(scaled / scaled.sum(), abs=TIGHT)


def test_equal_weights_and_inverse_volatility_are_what_they_say() -> None:
    parts = 1.0 / np.sqrt(np.diag(COVARIANCE))

    assert best(FREE, MARKET, EqualWeight()).weights == pytest.approx([1 / 3] * 3)
    assert best(FREE, MARKET, InverseVolatility()).weights == pytest.approx(parts / parts.sum())


def test_a_reference_that_breaks_a_limit_names_it_and_what_it_would_need() -> None:
    limits = Limits({"p0": Bound(maximum=0.2)})

    (conflict,) = contradiction(replace(FREE, limits=limits), MARKET, EqualWeight()).conflicts

    assert (conflict.field, conflict.bound) == ("limits.products[p0].max_weight", 0.2)
    assert conflict.relaxed_bound == pytest.approx(1 / 3, abs=1e-6)


# Risk budgets


def test_the_equal_risk_contributions_of_maillard_roncalli_and_teiletche_are_reproduced() -> None:
    """Maillard, Roncalli and Teiletche (2010), the example of four assets."""
    table = _table("maillard_roncalli_2010_erc.json")
    deviations = np.array(table["vol"])
    covariance = np.array(table["corr"]) * np.outer(deviations, deviations)
    market = dense_market([0.05] * 4, covariance)

    parity = best(Problem("USD", products(4)), market, RiskBudgeting((0.25,) * 4))
    least = best(Problem("USD", products(4)), market, MinimumVariance())

    # Printed with one decimal of a per cent.
    assert parity.weights * 100 == pytest.approx(table["expected_erc_pct"], abs=0.06)
    assert least.weights * 100 == pytest.approx(table["expected_mv_pct"], abs=0.06)
    assert np.ptp(parity.analysis.contributions) == pytest.approx(0.0, abs=1e-12)


def test_without_correlation_risk_parity_is_inverse_volatility() -> None:
    market = dense_market([0.05] * 3, np.diag([0.04, 0.01, 0.0025]))

    parity, reference = (best(FREE, market, goal) for goal in (RiskBudgeting((1 / 3,) * 3), InverseVolatility()))

    assert parity.weights == pytest.approx(reference.weights, abs=1e-12)


@FEW
@given(st.integers(0, 10_000), st.lists(st.floats(0.02, 1.0), min_size=6, max_size=6))
def test_contributions_are_in_proportion_to_their_budgets(seed: int, parts: list[float]) -> None:
    market, _, _ = drawn_market(seed)
    shares = np.array(parts) / sum(parts)

    found = best(Problem("USD", products(6)), market, RiskBudgeting(tuple(shares)))

    assert found.analysis.contributions / found.analysis.volatility == pytest.approx(shares, abs=1e-9)
    assert found.certificate.residuals.largest <= 1e-9


def test_a_product_without_risk_cannot_have_a_risk_budget() -> None:
    market = dense_market([0.05, 0.01], np.diag([0.04, 0.0]))

    with pytest.raises(UnsupportedCombination, match="no variance"):
        best(Problem("USD", products(2)), market, RiskBudgeting((0.5, 0.5)))
