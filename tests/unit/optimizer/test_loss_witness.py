"""Portfolios that keep a limit on the loss, looked for near another one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.optimizer.answers import Infeasible, OptimizeJob
from services.optimizer.engine import optimize
from services.optimizer.estimates import Estimates, Scenarios
from services.optimizer.expectations import expectations_of
from services.optimizer.loss_witness import loss_witness
from services.optimizer.objective import MinimumCvar, MinimumVariance
from services.optimizer.problem import Bound, CvarLimit, Limits, Problem
from services.optimizer.standard_form import StandardForm, standard_form
from services.optimizer.tail_program import TailSolver
from services.optimizer.tails import mean_loss
from tests.unit.optimizer.builders import SOLVER, dense_market, group, products

MARKET = dense_market([0.0], [[0.0]])
CONFIDENCE = 0.9
COUNT = 8


def _returns(seed: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    return np.asarray(0.02 * draw.standard_t(5, size=(200, COUNT)) * np.linspace(0.5, 2.0, COUNT) + 0.002)


def _problem(returns: np.ndarray, limits: Limits) -> Problem:
    held = {"p0": 0.5, "p1": 0.5}
    return Problem("USD", products(COUNT), limits, held, Estimates(scenarios=Scenarios(returns, 1.0)))


def _form(returns: np.ndarray, limits: Limits) -> StandardForm:
    problem = _problem(returns, limits)
    return standard_form(problem, expectations_of(problem, MARKET).moments, MinimumVariance())


def _least(returns: np.ndarray, form: StandardForm) -> np.ndarray:
    found = TailSolver(returns, CONFIDENCE, 1.0, np.zeros(COUNT), SOLVER.tail_starts).solve(form)
    assert found is not None
    return found.solution.weights


def _limits(floors: np.ndarray) -> Limits:
    bounds = {f"p{place}": Bound(float(floor), 0.7) for place, floor in enumerate(floors)}
    return Limits(products=bounds, groups=(group("half", ["p0", "p1", "p2"], maximum=0.9),), max_turnover=0.9)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.floats(0.3, 1.2))
def test_what_is_found_obeys_every_limit_and_keeps_the_loss(seed: int, share: float) -> None:
    returns, floors = _returns(seed), np.random.default_rng(seed).uniform(0.02, 0.1, COUNT)
    near = _least(returns, _form(returns, _limits(floors)))
    floors[-1] = 0.0
    form = _form(returns, _limits(floors))
    limit = CvarLimit(share * mean_loss(returns @ near, CONFIDENCE), CONFIDENCE)

    found = loss_witness(form, near, returns, limit)

    if found is not None:
        assert found.sum() == pytest.approx(1.0, abs=1e-8)
        assert (found >= form.lower - 1e-8).all()
        assert (found <= form.upper + 1e-8).all()
        assert (form.row_matrix @ found <= form.row_limits + 1e-8).all()
        assert np.maximum(found - form.current, 0.0).sum() <= 0.9 + 1e-8
        assert mean_loss(returns @ found, CONFIDENCE) <= limit.max_loss


def test_a_floor_that_is_taken_away_shows_a_portfolio_of_less_loss() -> None:
    returns, floors = _returns(3), np.full(COUNT, 0.1)
    near = _least(returns, _form(returns, _limits(floors)))
    floors[-1] = 0.0
    limit = CvarLimit(0.99 * mean_loss(returns @ near, CONFIDENCE), CONFIDENCE)

    assert loss_witness(_form(returns, _limits(np.full(COUNT, 0.1))), near, returns, limit) is None
    assert loss_witness(_form(returns, _limits(floors)), near, returns, limit) is not None


def test_weights_that_break_a_limit_are_no_start() -> None:
    returns = _returns(4)
    form = _form(returns, Limits(products={"p0": Bound(minimum=0.5)}))

    assert loss_witness(form, np.full(COUNT, 1.0 / COUNT), returns, CvarLimit(1.0, CONFIDENCE)) is None


@pytest.mark.parametrize("share", [0.97, 0.8])
def test_a_loss_against_many_floors_blames_only_what_is_needed(share: float) -> None:
    returns, floors = _returns(5), np.full(COUNT, 0.1)
    limits = Limits(products={f"p{place}": Bound(float(floor)) for place, floor in enumerate(floors)})
    least = mean_loss(returns @ _least(returns, _form(returns, limits)), CONFIDENCE)
    limits = replace(limits, max_cvar=CvarLimit(share * least, CONFIDENCE))

    found = optimize(OptimizeJob(_problem(returns, limits), MARKET, MinimumCvar(CONFIDENCE)), SOLVER)

    assert isinstance(found, Infeasible)
    blamed = [one.field.split("[")[1].split("]")[0] for one in found.conflicts if "[" in one.field]
    losses = [_least_loss(returns, blamed[:place] + blamed[place + 1 :]) for place in range(len(blamed))]
    assert _least_loss(returns, blamed) > share * least >= max(losses)


def _least_loss(returns: np.ndarray, floored: list[str]) -> float:
    limits = Limits(products={name: Bound(0.1) for name in floored})
    return mean_loss(returns @ _least(returns, _form(returns, limits)), CONFIDENCE)
