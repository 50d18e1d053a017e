from __future__ import annotations

from dataclasses import replace

import pytest

from services.optimizer.answers import FrontierJob, Infeasible, OptimizeJob, Portfolio
from services.optimizer.engine import frontier, optimize
from services.optimizer.objective import MeanVarianceUtility
from services.optimizer.problem import Bound, Limits, Problem
from tests.unit.optimizer.builders import (
    SOLVER,
    capped,
    contradiction,
    dense_market,
    group,
    kb_market,
    kb_products,
    products,
    relaxed,
)

MARKET = kb_market()
PRODUCTS = kb_products("US")
EQUITY = ["VTI", "VEA", "VWO", "VTV", "IJR"]
HELD = {"VTI": 0.9}

CASES = {
    "largest weights too small": Limits(capped(PRODUCTS, 0.01)),
    "smallest weights too large": Limits({"AGG": Bound(0.6), "BND": Bound(0.7)}),
    "bounds that cross": Limits({"AGG": Bound(0.5, 0.3)}),
    "group bounds that cross": Limits(groups=(group("shares", EQUITY, 0.6, 0.4),)),
    "group against its members": Limits(
        {**{name: Bound(maximum=0.1) for name in EQUITY}}, (group("shares", EQUITY, minimum=0.7),)
    ),
    "groups against each other": Limits(
        groups=(group("shares", EQUITY, minimum=0.7), group("others", ["AGG", "BND"], minimum=0.4))
    ),
    "turnover below the cash to invest": Limits(max_turnover=0.05),
    "turnover against a smallest weight": Limits({"AGG": Bound(0.5)}, max_turnover=0.3),
    "volatility below any portfolio": Limits(max_volatility=0.001),
    "volatility against a group": Limits(groups=(group("shares", EQUITY, minimum=0.8),), max_volatility=0.05),
    "volatility against turnover": Limits(max_turnover=0.2, max_volatility=0.03),
    "volatility, turnover and weights": Limits(
        {"VTI": Bound(0.4), "VEA": Bound(0.2)}, max_turnover=0.5, max_volatility=0.06
    ),
}


_GOAL = MeanVarianceUtility(4.0)


def _feasible(problem: Problem, limits: Limits) -> bool:
    return isinstance(optimize(OptimizeJob(replace(problem, limits=limits), MARKET, _GOAL), SOLVER), Portfolio)


def _only(limits: Limits, fields: set[str]) -> Limits:
    """Return the limits without those that are not among the fields."""
    sides = ("min_weight", "max_weight")
    others = {f"limits.products[{name}].{side}" for name in limits.products for side in sides}
    others |= {f"limits.groups[{each.name}].{side}" for each in limits.groups for side in sides}
    others |= {"limits.max_turnover", "limits.max_volatility"}
    for field in others - fields:
        limits = relaxed(limits, field, None)
    return limits


@pytest.mark.parametrize("name", CASES)
def test_the_conflicting_limits_contradict_each_other_and_none_of_them_could_be_left_out(name: str) -> None:
    problem = Problem("USD", PRODUCTS, CASES[name], HELD)
    fields = {conflict.field for conflict in contradiction(problem, MARKET).conflicts}

    alone = _only(CASES[name], fields)

    assert not _feasible(problem, alone)
    for field in sorted(fields)[:6]:
        assert _feasible(problem, relaxed(alone, field, None)), field


@pytest.mark.parametrize("name", CASES)
def test_applying_any_relaxed_bound_makes_the_request_feasible(name: str) -> None:
    problem = Problem("USD", PRODUCTS, CASES[name], HELD)
    found = contradiction(problem, MARKET)
    relaxations = [conflict for conflict in found.conflicts if conflict.relaxed_bound is not None]
    assert relaxations
    for conflict in relaxations[:6]:
        limits = relaxed(CASES[name], conflict.field, conflict.relaxed_bound)

        assert _feasible(problem, limits), conflict


@pytest.mark.parametrize("name", CASES)
def test_a_little_less_than_the_relaxed_bound_is_still_infeasible(name: str) -> None:
    problem = Problem("USD", PRODUCTS, CASES[name], HELD)
    conflict = next(c for c in contradiction(problem, MARKET).conflicts if c.relaxed_bound is not None)
    assert conflict.relaxed_bound is not None
    short = 0.999 * conflict.relaxed_bound + 0.001 * conflict.bound

    assert not _feasible(problem, relaxed(CASES[name], conflict.field, short))


def test_smallest_weights_that_sum_to_more_than_one_are_named_with_what_is_left_for_each() -> None:
    limits = Limits({"p0": Bound(0.5), "p1": Bound(0.7), "p2": Bound(0.0, 0.9)})

    found = contradiction(Problem("USD", products(3), limits), dense_market([0.0] * 3, _UNIT))

    assert [(c.field, c.bound) for c in found.conflicts] == [
        ("limits.products[p0].min_weight", 0.5),
        ("limits.products[p1].min_weight", 0.7),
    ]
    assert [c.relaxed_bound for c in found.conflicts] == pytest.approx([0.3, 0.5])


def test_bounds_that_cross_are_both_named() -> None:
    limits = Limits({"p0": Bound(0.5, 0.3)})

    found = contradiction(Problem("USD", products(3), limits), dense_market([0.0] * 3, _UNIT))

    assert {c.field: c.relaxed_bound for c in found.conflicts} == {
        "limits.products[p0].min_weight": pytest.approx(0.3),
        "limits.products[p0].max_weight": pytest.approx(0.5),
    }


def test_a_limit_that_cannot_help_alone_has_no_relaxed_bound() -> None:
    # Two contradictions at once: whatever one limit becomes, the other contradiction stays.
    limits = Limits({"p0": Bound(0.5, 0.3), "p1": Bound(0.4, 0.2)})

    found = contradiction(Problem("USD", products(3), limits), dense_market([0.0] * 3, _UNIT))

    assert [c.relaxed_bound for c in found.conflicts] == [None, None]


def test_too_low_a_volatility_is_answered_with_the_least_there_is() -> None:
    market = dense_market([0.05, 0.05], [[0.04, 0.0], [0.0, 0.01]])

    (conflict,) = contradiction(Problem("USD", products(2), Limits(max_volatility=0.05)), market).conflicts

    # Weights 0.2 and 0.8 have the variance 0.0016 + 0.0064.
    assert conflict.field == "limits.max_volatility"
    assert conflict.relaxed_bound == pytest.approx(0.008**0.5, abs=2e-6)


def test_a_turnover_limit_without_holdings_needs_to_be_one() -> None:
    problem = Problem("USD", products(3), Limits(max_turnover=0.4))

    (conflict,) = contradiction(problem, dense_market([0.0] * 3, _UNIT)).conflicts

    assert (conflict.field, conflict.relaxed_bound) == ("limits.max_turnover", 1.0)


def test_a_group_without_products_in_the_request_can_hold_nothing() -> None:
    limits = Limits(groups=(group("gone", [], minimum=0.1),))

    (conflict,) = contradiction(Problem("USD", products(3), limits), dense_market([0.0] * 3, _UNIT)).conflicts

    assert (conflict.field, conflict.relaxed_bound) == ("limits.groups[gone].min_weight", 0.0)


def test_a_frontier_names_the_same_contradiction() -> None:
    problem = Problem("USD", products(3), Limits({"p0": Bound(0.5, 0.3)}))

    answer = frontier(FrontierJob(problem, dense_market([0.01, 0.02, 0.03], _UNIT), 5), SOLVER)

    assert isinstance(answer, Infeasible)
    assert len(answer.conflicts) == 2


_UNIT = [[0.04, 0.0, 0.0], [0.0, 0.04, 0.0], [0.0, 0.0, 0.04]]
