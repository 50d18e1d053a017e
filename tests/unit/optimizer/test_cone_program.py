"""The cone program that says how far limits must give way, against the whole program in cvxpy."""

from __future__ import annotations

import math
from typing import Any

import cvxpy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.optimizer.cone_limits import Deviation, Loss
from services.optimizer.cone_program import given_way
from services.optimizer.cone_solver import cone_optimum
from services.optimizer.cone_table import ConeTable
from services.optimizer.estimates import Estimates, Scenarios
from services.optimizer.expectations import expectations_of
from services.optimizer.objective import MinimumVariance
from services.optimizer.problem import Limits, Problem
from services.optimizer.standard_form import StandardForm, standard_form
from services.optimizer.tails import mean_loss
from shared.errors import SolutionRefused
from tests.unit.optimizer.builders import capped, dense_market, products

cp: Any = cvxpy
MARKET = dense_market([0.0], [[0.0]])
COUNT = 8


def _returns(seed: int, count: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    return np.asarray(0.02 * draw.standard_t(4, size=(count, COUNT)) * np.linspace(0.5, 2.0, COUNT) + 0.002)


def _form(returns: np.ndarray) -> StandardForm:
    limits = Limits(products=capped(products(COUNT), 0.4))
    problem = Problem("USD", products(COUNT), limits, None, Estimates(scenarios=Scenarios(returns, 1.0)))
    return standard_form(problem, expectations_of(problem, MARKET).moments, MinimumVariance())


def _least_loss(form: StandardForm, returns: np.ndarray, confidence: float, volatility: float) -> float:
    """Return the least mean loss in the tail under a limit on the volatility, all scenarios in one program."""
    w, level = cp.Variable(COUNT), cp.Variable()
    excess = cp.pos(-returns @ w - level)
    loss = level + cp.sum(excess) / (len(returns) * (1.0 - confidence))
    factor = np.vstack([form.root.T, np.diag(form.specific)])
    limits = [cp.sum(w) == 1, w >= form.lower, w <= form.upper, cp.norm(factor @ w) <= volatility]
    return float(cp.Problem(cp.Minimize(loss), limits).solve(solver=cp.CLARABEL))


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    count=st.sampled_from([20, 60, 400]),
    confidence=st.sampled_from([0.8, 0.9, 0.95]),
    is_near=st.booleans(),
)
def test_the_least_loss_beside_a_volatility_is_that_of_the_whole_program(
    seed: int, count: int, confidence: float, is_near: bool
) -> None:
    returns = _returns(seed, count)
    form = _form(returns)
    calm = given_way(form, [Deviation(0.0, np.zeros(COUNT), price=1.0, is_free=True)])
    assert calm is not None
    volatility = 1.1 * calm.by[0]
    limits = [
        Loss(0.0, confidence, returns, price=1.0, is_free=True),
        Deviation(volatility, np.zeros(COUNT)),
    ]

    found = given_way(form, limits, near=[calm.weights] if is_near else [])

    assert found is not None
    assert found.by[0] == pytest.approx(_least_loss(form, returns, confidence, volatility), abs=1e-6)
    assert mean_loss(returns @ found.weights, confidence) == pytest.approx(found.by[0], abs=1e-6)
    assert math.sqrt(float(found.weights @ form.covariance_times(found.weights))) <= volatility * (1.0 + 1e-6)


def test_the_shares_of_the_scenarios_are_one_in_sum_and_none_is_above_the_most() -> None:
    returns = _returns(1, 400)
    form = _form(returns)
    loss = Loss(0.0, 0.95, returns, price=1.0, is_free=True)

    found = given_way(form, [loss], near=[np.full(COUNT, 1.0 / COUNT)])

    assert found is not None
    assert found.shares is not None
    assert found.shares.sum() == pytest.approx(1.0)
    assert found.shares.max() <= loss.most * (1.0 + 1e-6)
    assert -float(found.shares @ (returns @ found.weights)) == pytest.approx(found.by[0], abs=1e-7)


def test_a_refused_program_is_asked_again_with_the_scenarios_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    returns = _returns(3, 400)
    form = _form(returns)
    limits = [Loss(0.0, 0.95, returns, price=1.0, is_free=True)]
    rows: list[int] = []

    def refused_once(cost: Any, risk: Any, table: ConeTable) -> Any:
        rows.append(table.count)
        if len(rows) == 1:
            raise SolutionRefused("no proof")
        return cone_optimum(cost, risk, table)

    expected = given_way(form, limits)
    monkeypatch.setattr("services.optimizer.cone_program.cone_optimum", refused_once)
    found = given_way(form, limits)

    assert expected is not None
    assert found is not None
    assert rows[1] > rows[0]
    assert found.by == pytest.approx(expected.by, abs=1e-7)


def test_limits_that_cannot_give_way_and_contradict_each_other_have_no_answer() -> None:
    returns = _returns(2, 400)
    form = _form(returns)

    assert given_way(form, [Loss(-1.0, 0.95, returns)]) is None
