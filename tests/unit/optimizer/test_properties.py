"""Laws that hold for any request: Hypothesis looks for one that breaks them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.optimizer.answers import Infeasible, OptimizeJob, Portfolio
from services.optimizer.certificate import TOLERANCE
from services.optimizer.constraints import current_weights, turnover
from services.optimizer.engine import optimize
from services.optimizer.objective import MeanVarianceUtility, MinimumVariance
from services.optimizer.problem import Bound, Limits, Problem
from tests.unit.optimizer.builders import SOLVER, group, kb_market, kb_products

MARKET = kb_market()
UNIVERSE = kb_products()
# A weight may miss its limit by what the certificate tolerates.
SLACK = TOLERANCE
few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

weight = st.sampled_from([0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 1.0])
objectives = st.one_of(
    st.just(MinimumVariance()), st.floats(-1.0, 2.5).map(lambda power: MeanVarianceUtility(10.0**power))
)


@st.composite
def problems(draw: Any) -> Problem:
    """Draw a request of a few products with any mixture of limits."""
    chosen = draw(st.lists(st.sampled_from(UNIVERSE), min_size=2, max_size=12, unique_by=lambda product: product.id))
    names = [product.id for product in chosen]
    bounds = draw(st.dictionaries(st.sampled_from(names), st.builds(Bound, st.none(), weight), max_size=4))
    members = draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    held = draw(st.lists(st.integers(0, 9), min_size=len(names), max_size=len(names)))
    current = {name: parts / max(10, sum(held)) for name, parts in zip(names, held, strict=True)}
    limits = Limits(
        products=bounds,
        groups=(group("some", members, *draw(st.sampled_from([(None, 0.5), (0.2, None), (0.1, 0.7)]))),),
        max_turnover=draw(st.one_of(st.none(), st.sampled_from([0.2, 0.6, 0.9]))),
        max_volatility=draw(st.one_of(st.none(), st.sampled_from([0.03, 0.08, 0.15]))),
    )
    return Problem(draw(st.sampled_from(["USD", "CNY"])), tuple(chosen), limits, current)


def _solve(problem: Problem, objective: Any) -> Portfolio | Infeasible:
    return optimize(OptimizeJob(problem, MARKET, objective), SOLVER)


def _value(portfolio: Portfolio, objective: Any) -> float:
    variance = portfolio.analysis.volatility**2
    if isinstance(objective, MinimumVariance):
        return -variance
    return portfolio.analysis.expected_return_net - 0.5 * float(objective.risk_aversion) * variance


@few
@given(problems(), objectives)
def test_an_optimum_obeys_every_limit(problem: Problem, objective: Any) -> None:
    portfolio = _solve(problem, objective)
    if isinstance(portfolio, Infeasible):
        assert portfolio.conflicts
        return

    weights, limits = portfolio.weights, problem.limits
    assert weights.sum() == pytest.approx(1.0, abs=SLACK)
    for product, held in zip(problem.products, weights, strict=True):
        bound = limits.products.get(product.id, Bound())
        assert -SLACK <= held <= (1.0 if bound.maximum is None else bound.maximum) + SLACK
    for each in limits.groups:
        total = sum(w for product, w in zip(problem.products, weights, strict=True) if each.holds(product))
        assert (each.bound.minimum or 0.0) - SLACK <= total <= (each.bound.maximum or 1.0) + SLACK
    if limits.max_turnover is not None:
        assert turnover(weights, current_weights(problem)) <= limits.max_turnover + SLACK
    if limits.max_volatility is not None:
        assert portfolio.analysis.volatility <= limits.max_volatility + SLACK


@few
@given(problems(), objectives)
def test_more_freedom_is_never_worse(problem: Problem, objective: Any) -> None:
    tight = _solve(problem, objective)
    if isinstance(tight, Infeasible):
        return

    loose = _solve(replace(problem, limits=replace(problem.limits, groups=(), max_turnover=None)), objective)

    assert isinstance(loose, Portfolio)
    assert _value(loose, objective) >= _value(tight, objective) - 1e-9


@few
@given(problems(), objectives, st.randoms(use_true_random=False))
def test_the_order_of_products_does_not_matter(problem: Problem, objective: Any, random: Any) -> None:
    shuffled = list(problem.products)
    random.shuffle(shuffled)

    first, second = _solve(problem, objective), _solve(replace(problem, products=tuple(shuffled)), objective)

    assert type(first) is type(second)
    if isinstance(first, Portfolio) and isinstance(second, Portfolio):
        by_id = dict(zip((product.id for product in shuffled), second.weights, strict=True))
        # Sharpened solutions agree to rounding unless products are nearly alike; utility agrees always.
        assert _value(first, objective) == pytest.approx(_value(second, objective), abs=1e-10)
        assert first.weights == pytest.approx([by_id[product.id] for product in problem.products], abs=1e-5)


@few
@given(problems(), st.floats(0.3, 100.0), st.floats(0.1, 10.0))
def test_scaling_returns_and_variances_together_changes_no_weight(
    problem: Problem, aversion: float, factor: float
) -> None:
    free = replace(problem, limits=replace(problem.limits, max_volatility=None))
    products = tuple(
        replace(p, specific_volatility=p.specific_volatility * factor**0.5, expense_ratio=p.expense_ratio * factor)
        for p in free.products
    )
    market = replace(MARKET, expected=MARKET.expected * factor, root=MARKET.root * factor**0.5)
    goal = MeanVarianceUtility(aversion)

    first = _solve(free, goal)
    second = optimize(OptimizeJob(replace(free, products=products), market, goal), SOLVER)

    assert type(first) is type(second)
    if isinstance(first, Portfolio) and isinstance(second, Portfolio):
        assert first.weights == pytest.approx(second.weights, abs=1e-5)


@few
@given(problems(), objectives)
def test_risk_contributions_sum_to_the_volatility(problem: Problem, objective: Any) -> None:
    portfolio = _solve(problem, objective)

    if isinstance(portfolio, Portfolio):
        analysis = portfolio.analysis
        assert analysis.contributions.sum() == pytest.approx(analysis.volatility, abs=1e-12)
