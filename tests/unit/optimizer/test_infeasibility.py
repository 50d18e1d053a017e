from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.optimizer.answers import ConflictingLimit, FrontierJob, Infeasible, OptimizeJob, Portfolio
from services.optimizer.engine import frontier, optimize
from services.optimizer.estimates import Estimates, Scenarios
from services.optimizer.expectations import expectations_of, moments_of
from services.optimizer.infeasibility import MOST_PRICED
from services.optimizer.linear_limits import LinearLimits
from services.optimizer.moments import Matrix
from services.optimizer.objective import MeanVarianceUtility, MinimumCvar
from services.optimizer.problem import Bound, CvarLimit, Limits, Problem
from services.optimizer.reach import Reach
from services.optimizer.tails import mean_loss
from shared.errors import SolutionRefused
from tests.unit.optimizer.builders import (
    SOLVER,
    best,
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


def _kept(limits: Limits, relaxations: Sequence[ConflictingLimit]) -> Limits:
    for one in relaxations:
        limits = relaxed(limits, one.field, one.relaxed_bound)
    return limits


def test_two_contradictions_are_resolved_by_limits_that_give_way_together() -> None:
    limits = Limits({"p0": Bound(0.5, 0.3), "p1": Bound(0.4, 0.2)})
    problem, market = Problem("USD", products(3), limits), dense_market([0.0] * 3, _UNIT)

    together = contradiction(problem, market).together

    # Each pair of bounds is 0.2 apart, so 0.4 in sum is the least that can be given.
    given = [abs((one.relaxed_bound or 0.0) - one.bound) for one in together]
    assert sum(given) == pytest.approx(0.4, abs=1e-5)
    assert best(replace(problem, limits=_kept(limits, together)), market).weights.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("name", CASES)
def test_what_gives_way_together_makes_the_request_feasible(name: str) -> None:
    problem = Problem("USD", PRODUCTS, CASES[name], HELD)

    together = contradiction(problem, MARKET).together

    assert together
    assert _feasible(problem, _kept(CASES[name], together))


def test_a_volatility_and_a_loss_that_are_both_too_low_give_way_together() -> None:
    problem = _with_scenarios(Limits(max_volatility=0.02, max_cvar=CvarLimit(0.01, 0.95)))

    found = contradiction(problem, MARKET)

    assert [conflict.relaxed_bound for conflict in found.conflicts] == [None]
    assert {one.field for one in found.together} == {"limits.max_volatility", "limits.max_cvar"}
    assert _feasible(problem, _kept(problem.limits, found.together))


def test_a_volatility_and_a_loss_that_each_can_be_kept_but_not_both_are_named_with_their_least() -> None:
    free = _with_scenarios(Limits())
    outcomes, moments = _outcomes(free), moments_of(free, MARKET)
    calm, safe = best(free, MARKET).weights, best(free, MARKET, MinimumCvar(0.95)).weights
    volatility = 0.7 * moments.variance(calm) ** 0.5 + 0.3 * moments.variance(safe) ** 0.5
    loss = 0.9 * mean_loss(outcomes @ safe, 0.95) + 0.1 * mean_loss(outcomes @ calm, 0.95)
    limits = Limits(max_volatility=volatility, max_cvar=CvarLimit(loss, 0.95))

    found = contradiction(replace(free, limits=limits), MARKET)

    assert [conflict.field for conflict in found.conflicts] == ["limits.max_volatility", "limits.max_cvar"]
    for relaxations in ([found.conflicts[0]], [found.conflicts[1]], found.together):
        assert _feasible(free, _kept(limits, relaxations)), relaxations

    # Written as a program over all scenarios in another library.
    w = cp.Variable(6)
    level, excess = cp.Variable(), cp.Variable(len(outcomes))
    tail = level + cp.sum(excess) / (0.05 * len(outcomes))
    root = np.linalg.cholesky(moments.root @ moments.root.T + np.diag(moments.specific**2)).T
    kept = [w >= 0, cp.sum(w) == 1, excess >= 0, excess >= -outcomes @ w - level, cp.norm(root @ w) <= volatility]
    lowest = cp.Problem(cp.Minimize(tail), kept).solve(solver="CLARABEL")
    assert found.conflicts[1].relaxed_bound == pytest.approx(float(lowest), abs=2e-6)


def test_caps_that_sum_to_less_than_one_are_all_named_without_a_program_for_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    solved: list[str] = []
    for name in ("blame", "least"):
        _counted(monkeypatch, LinearLimits, name, solved)
    universe = tuple(replace(products(1)[0], id=f"p{i}") for i in range(100))
    caps, floors = {p.id: Bound(maximum=0.009) for p in universe}, {p.id: Bound(0.011) for p in universe}

    capped_out = contradiction(Problem("USD", universe, Limits(caps)), dense_market([0.05], [[0.04]]))
    filled_up = contradiction(Problem("USD", universe, Limits(floors)), dense_market([0.05], [[0.04]]))

    # 99 others hold 0.891 at most.
    assert [one.relaxed_bound for one in capped_out.conflicts] == pytest.approx([0.109] * 100)
    # 91 smallest weights of 0.011 are 1.001; without one of them it is the others that are too many.
    assert len(filled_up.conflicts) == 91
    assert {one.relaxed_bound for one in filled_up.conflicts} == {None}
    assert len(solved) <= 4


def test_a_member_whose_relaxation_is_not_proven_stays_a_member(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise SolutionRefused("not today")

    monkeypatch.setattr(Reach, "least_given", refuse)
    problem = Problem("USD", PRODUCTS, CASES["volatility against a group"], HELD)

    conflicts = {one.field: one for one in contradiction(problem, MARKET).conflicts}

    shares = conflicts["limits.groups[shares].min_weight"]
    assert (shares.relaxed_bound, shares.is_unsought) == (None, True)
    assert conflicts["limits.max_volatility"].relaxed_bound is not None


def test_no_more_members_than_the_limit_are_priced_where_a_curved_limit_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    priced: list[str] = []
    _counted(monkeypatch, Reach, "least_given", priced)
    # All but the first move as one, so that 17 of the smallest weights are 0.68 of a volatility of 0.3.
    covariance = np.full((20, 20), 0.09)
    covariance[0, :] = covariance[:, 0] = 0.0
    floors = {f"p{i}": Bound(0.04) for i in range(1, 20)}
    problem = Problem("USD", products(20), Limits(floors, max_volatility=0.2))

    found = contradiction(problem, dense_market([0.0] * 20, covariance.tolist()))

    assert len(found.conflicts) == 18
    assert len(priced) == MOST_PRICED
    assert sum(one.is_unsought for one in found.conflicts) == len(found.conflicts) - 1 - len(priced)


_BOUND = st.floats(0.0, 1.0).map(lambda value: round(value, 3))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(_BOUND, _BOUND), min_size=4, max_size=4),
    st.tuples(_BOUND, _BOUND),
    st.none() | _BOUND,
    st.none() | st.floats(0.05, 0.4),
)
def test_each_relaxation_that_is_present_or_all_joint_ones_make_a_request_feasible(
    bounds: list[tuple[float, float]], pair: tuple[float, float], turnover: float | None, volatility: float | None
) -> None:
    covariance = np.diag([0.02, 0.04, 0.06, 0.08]) + 0.01
    market = dense_market([0.0] * 4, covariance.tolist())
    limits = Limits(
        {f"p{i}": Bound(0.6 * low, 1.0 - 0.8 * high) for i, (low, high) in enumerate(bounds)},
        (group("pair", ["p0", "p1"], *pair),),
        max_turnover=turnover,
        max_volatility=volatility,
    )
    problem = Problem("USD", products(4), limits, {"p0": 0.4, "p3": 0.3})
    answer = optimize(OptimizeJob(problem, market, _GOAL), SOLVER)
    if not isinstance(answer, Infeasible):
        return

    ways = [[one] for one in answer.conflicts if one.relaxed_bound is not None] + [answer.together]

    assert answer.together
    for way in ways:
        eased = replace(problem, limits=_kept(limits, way))
        assert isinstance(optimize(OptimizeJob(eased, market, _GOAL), SOLVER), Portfolio), way


def _counted(monkeypatch: pytest.MonkeyPatch, owner: type, name: str, calls: list[str]) -> None:
    original = getattr(owner, name)

    def counting(*arguments: object) -> object:
        calls.append(name)
        return original(*arguments)

    monkeypatch.setattr(owner, name, counting)


def _with_scenarios(limits: Limits) -> Problem:
    draw = np.random.default_rng(4)
    returns = draw.standard_t(4, (600, 1)) * np.linspace(0.03, 0.06, 6) + draw.standard_t(3, (600, 6)) * 0.03 + 0.04
    estimates = Estimates(None, None, Scenarios(returns, 1.0))
    return Problem("USD", products(6), limits, estimates=estimates)


def _outcomes(problem: Problem) -> Matrix:
    outcomes = expectations_of(problem, MARKET).outcomes
    assert outcomes is not None
    return outcomes
