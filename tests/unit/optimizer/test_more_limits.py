"""Limits on attributes of products: groups of every kind, exclusions, cash, risk level, liquidity."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from services.optimizer.answers import Infeasible, OptimizeJob
from services.optimizer.constraints import is_cash
from services.optimizer.engine import optimize
from services.optimizer.objective import MeanVarianceUtility
from services.optimizer.problem import Bound, Group, Limits, Problem, Product
from tests.unit.optimizer.builders import SOLVER, best, contradiction, dense_market, products, relaxed

TIGHT = 1e-9
MARKET = dense_market([0.08, 0.06, 0.02, 0.01], np.diag([0.04, 0.03, 0.01, 0.0025]))
BOLD = MeanVarianceUtility(0.5)


def _universe() -> tuple[Product, ...]:
    plain = products(4)
    esg, other = frozenset(["ESG"]), frozenset(["X"])
    first = {"currency": "USD", "issuer": "A", "region": "US", "risk_level": 4, "flags": esg, "liquidity_days": 1.0}
    second = {"currency": "CNY", "issuer": "A", "region": "CN", "risk_level": 5, "flags": other, "liquidity_days": 30.0}
    third = {"currency": "CNY", "issuer": "B", "region": "US", "risk_level": 2, "flags": esg | other}
    cash = {"currency": "USD", "issuer": "C", "region": "US", "risk_level": 1, "asset_class": "us_cash"}
    terms: list[dict[str, Any]] = [first, second, third | {"liquidity_days": 2.0}, cash | {"liquidity_days": 0.5}]
    return tuple(replace(product, **each) for product, each in zip(plain, terms, strict=True))


GROUPS: list[tuple[dict[str, Any], list[int]]] = [
    ({"currencies": frozenset(["CNY"])}, [1, 2]),
    ({"issuers": frozenset(["A"])}, [0, 1]),
    ({"regions": frozenset(["CN"])}, [1]),
    ({"risk_levels": frozenset([4, 5])}, [0, 1]),
    ({"flags": frozenset(["ESG"])}, [0, 2]),
    ({"flags": frozenset(["X"]), "issuers": frozenset(["C"])}, [1, 2, 3]),
]


@pytest.mark.parametrize(("members", "expected"), GROUPS)
def test_a_group_holds_the_products_with_the_attribute(members: dict[str, Any], expected: list[int]) -> None:
    group = Group("g", Bound(maximum=0.15), **members)

    weights = best(Problem("USD", _universe(), Limits(groups=(group,))), MARKET, BOLD).weights

    assert [i for i, product in enumerate(_universe()) if group.holds(product)] == expected
    assert weights[expected].sum() <= 0.15 + TIGHT


def test_an_excluded_product_is_not_held_and_its_exclusion_has_a_price() -> None:
    problem = Problem("USD", _universe(), Limits(excluded=frozenset(["p0"])))

    portfolio = best(problem, MARKET, BOLD)

    assert portfolio.weights[0] == 0.0
    assert [limit.field for limit in portfolio.binding_limits] == ["limits.excluded_product_ids[p0]"]


def test_excluding_a_product_that_must_be_held_is_a_contradiction() -> None:
    limits = Limits({"p0": Bound(0.2)}, excluded=frozenset(["p0"]))

    conflicts = {c.field: c.relaxed_bound for c in contradiction(Problem("USD", _universe(), limits), MARKET).conflicts}

    assert conflicts == {"limits.excluded_product_ids[p0]": 0.2, "limits.products[p0].min_weight": 0.0}


def test_the_smallest_share_of_cash_is_kept() -> None:
    portfolio = best(Problem("USD", _universe(), Limits(min_cash=0.25)), MARKET, BOLD)

    assert portfolio.weights[3] == pytest.approx(0.25, abs=TIGHT)
    assert [limit.field for limit in portfolio.binding_limits] == ["limits.min_cash"]


@pytest.mark.parametrize(
    ("terms", "base", "counts"),
    [
        ({"asset_class": "us_cash"}, "USD", True),
        ({"asset_class": "cn_cash"}, "USD", False),
        ({"asset_class": "cn_cash", "currency": "USD"}, "USD", False),
        ({"asset_class": "cn_cash", "currency": "CNY"}, "CNY", True),
        ({"asset_class": "cash", "flags": frozenset(["cash"])}, "USD", True),
        ({"asset_class": "cash", "flags": frozenset(["cash"]), "currency": "USD"}, "USD", True),
        ({"asset_class": "cash", "flags": frozenset(["cash"]), "currency": "CNY"}, "USD", False),
        ({"asset_class": "cash"}, "USD", False),
    ],
)
def test_only_cash_of_the_base_currency_counts_by_class_or_by_flag(
    terms: dict[str, Any], base: str, counts: bool
) -> None:
    assert is_cash(replace(products(1)[0], **terms), base) is counts


def test_the_cash_of_a_client_in_dollars_is_not_filled_with_yuan() -> None:
    items = _universe()
    items = (*items[:2], replace(items[2], asset_class="cn_cash"), items[3])

    weights = best(Problem("USD", items, Limits(min_cash=0.25)), MARKET, BOLD).weights

    assert weights[3] == pytest.approx(0.25, abs=TIGHT)


def test_cash_that_no_product_offers_is_a_contradiction() -> None:
    problem = Problem("USD", _universe()[:3], Limits(min_cash=0.25))

    answer = contradiction(problem, MARKET)

    assert [(c.field, c.bound, c.relaxed_bound) for c in answer.conflicts] == [("limits.min_cash", 0.25, 0.0)]


@pytest.mark.parametrize(
    ("limits", "values", "bound", "field"),
    [
        (Limits(max_risk_level_score=2.5), [4.0, 5.0, 2.0, 1.0], 2.5, "limits.max_risk_level_score"),
        (Limits(max_liquidity_days=0.9), [1.0, 30.0, 2.0, 0.5], 0.9, "limits.max_liquidity_days"),
    ],
)
def test_a_weighted_mean_is_kept_and_priced_in_its_own_unit(
    limits: Limits, values: list[float], bound: float, field: str
) -> None:
    problem = Problem("USD", _universe(), limits)
    step = 1e-4

    def value(at: float) -> float:
        found = best(replace(problem, limits=relaxed(limits, field, at)), MARKET, BOLD)
        return found.analysis.expected_return_net - 0.25 * found.analysis.volatility**2

    portfolio = best(problem, MARKET, BOLD)

    assert portfolio.weights @ values == pytest.approx(bound, abs=1e-8)
    (limit,) = portfolio.binding_limits
    assert limit.field == field
    assert limit.bound == pytest.approx(bound)
    assert limit.shadow_price == pytest.approx((value(bound + step) - value(bound - step)) / (2 * step), rel=5e-3)


def test_a_risk_level_below_every_product_names_the_level_that_would_do() -> None:
    problem = Problem("USD", _universe()[:3], Limits(max_risk_level_score=1.5))

    (conflict,) = contradiction(problem, MARKET).conflicts

    assert conflict.field == "limits.max_risk_level_score"
    assert conflict.relaxed_bound == pytest.approx(2.0)


def test_a_relaxed_bound_in_days_makes_the_request_feasible() -> None:
    limits = Limits({"p1": Bound(0.5)}, max_liquidity_days=3.0)
    problem = Problem("USD", _universe(), limits)

    conflicts = {c.field: c.relaxed_bound for c in contradiction(problem, MARKET).conflicts}

    assert set(conflicts) == {"limits.products[p1].min_weight", "limits.max_liquidity_days"}
    eased = replace(limits, max_liquidity_days=conflicts["limits.max_liquidity_days"])
    assert not isinstance(optimize(OptimizeJob(replace(problem, limits=eased), MARKET, BOLD), SOLVER), Infeasible)
