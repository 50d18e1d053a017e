"""Every field of a goal is checked, and no message gets past the checks only to fail behind them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from fiducia.optimizer.v1 import goal_pb2 as messages
from fiducia.type.v1 import weight_pb2

from services.optimizer.checks import Checks
from services.optimizer.estimates import Estimates
from services.optimizer.glide_path import log_normal_months
from services.optimizer.goal import Goal, GoalJob, PseudoRandom, ScrambledSobol
from services.optimizer.goal_simulation import simulate_goal
from services.optimizer.moments import product_moments
from services.optimizer.parse_goal import GoalRequest, parse_goal, refuse_unsupported
from services.optimizer.problem import Problem
from shared.errors import InvalidRequest, UnsupportedCombination
from tests.unit.optimizer.builders import dense_market, products

MARKET = replace(dense_market([0.05, 0.06], [[0.04, 0.0], [0.0, 0.01]]), inflation={"USD": 0.024})
NAN, INFINITY = math.nan, math.inf
PROBLEM = Problem("USD", products(2))
Message = messages.SimulateGoalRequest
Change = Callable[[Message], object]


def _weights(*weights: float) -> list[weight_pb2.Weight]:
    return [weight_pb2.Weight(product_id=f"p{i}", weight=weight) for i, weight in enumerate(weights)]


def _message() -> Message:
    message = Message(
        glide_path=[
            messages.GlideStep(from_year=0.0, weights=_weights(0.7, 0.3)),
            messages.GlideStep(from_year=5.0, weights=_weights(0.2, 0.8)),
        ],
        initial_value=10_000.0,
        monthly_contribution=100.0,
        monthly_withdrawal=50.0,
        withdrawal_start_year=8.0,
        horizon_years=10.5,
        target_value=5_000.0,
        inflation=0.03,
        advisory_fee=0.004,
        path_count=500,
        seed=2**64 - 1,
        wanted_probability=0.8,
    )
    message.problem.base_currency = "USD"
    return message


def _parsed(message: Message) -> GoalRequest:
    checks = Checks()
    request = parse_goal(message, PROBLEM, MARKET, checks)
    checks.raise_any()
    return request


def _refused(message: Message) -> list[str]:
    with pytest.raises(InvalidRequest) as refusal:
        _parsed(message)
    return [violation.field for violation in refusal.value.violations]


def test_a_message_becomes_the_goal_it_describes() -> None:
    request = _parsed(_message())

    assert request.goal == Goal(126, 10_000.0, 100.0, 50.0, 96, 5_000.0, 0.03, 0.004)
    assert request.glide.first_months == (0, 60)
    np.testing.assert_allclose(request.glide.weights, [[0.7, 0.3], [0.2, 0.8]])
    assert request.sampling == ScrambledSobol(500, 2**64 - 1)
    assert (request.block_months, request.wanted_probability) == (None, 0.8)


def test_what_is_left_out_has_its_default() -> None:
    message = Message(glide_path=[messages.GlideStep(weights=_weights(1.0))], horizon_years=1.0)
    message.problem.base_currency = "USD"

    request = _parsed(message)

    assert request.goal == Goal(12, 0.0, 0.0, 0.0, None, 0.0, 0.024, 0.0)
    assert request.sampling == ScrambledSobol(10_000, 0)
    assert request.wanted_probability is None


def test_a_bootstrap_draws_pseudo_random_blocks_of_a_year_unless_told_otherwise() -> None:
    message = _message()
    message.return_model = messages.RETURN_MODEL_BLOCK_BOOTSTRAP

    request = _parsed(message)

    assert request.sampling == PseudoRandom(500, 2**64 - 1)
    assert request.block_months == 12.0


def test_a_bootstrap_over_sobol_points_is_not_supported() -> None:
    message = _message()
    message.return_model = messages.RETURN_MODEL_BLOCK_BOOTSTRAP
    message.sampling = messages.SAMPLING_METHOD_SOBOL

    with pytest.raises(UnsupportedCombination, match="pseudo-random"):
        refuse_unsupported(_parsed(message))


def _numbers(field: str, *values: float) -> list[tuple[str, Change]]:
    return [(field, _set(field, value)) for value in (NAN, INFINITY, -INFINITY, *values)]


def _set(field: str, value: object) -> Change:
    return lambda message: setattr(message, field, value)


@pytest.mark.parametrize(
    ("path", "change"),
    [
        *_numbers("initial_value", -1.0, 1e16),
        *_numbers("monthly_contribution", -1.0, 1e16),
        *_numbers("monthly_withdrawal", -1.0, 1e16),
        *_numbers("target_value", -1.0, 1e16),
        *_numbers("withdrawal_start_year", -1.0, 61.0),
        *_numbers("horizon_years", -1.0, 0.0, 60.1),
        *_numbers("inflation", -0.2, 1.1),
        *_numbers("advisory_fee", -0.01, 0.11),
        *_numbers("block_months", -1.0, 0.5, 241.0),
        *_numbers("wanted_probability", -0.1, 0.0, 1.0),
        ("path_count", lambda m: setattr(m, "path_count", 99)),
        ("path_count", lambda m: setattr(m, "path_count", -1)),
        ("path_count", lambda m: setattr(m, "path_count", 1_000_001)),
        ("return_model", lambda m: setattr(m, "return_model", 99)),
        ("sampling", lambda m: setattr(m, "sampling", 99)),
        ("withdrawal_start_year", lambda m: m.ClearField("withdrawal_start_year")),
        ("wanted_probability", lambda m: setattr(m, "withdrawal_start_year", 0.0)),
        ("glide_path", lambda m: m.ClearField("glide_path")),
        ("glide_path", lambda m: m.glide_path.extend([m.glide_path[0]] * 100)),
        ("glide_path[0].from_year", lambda m: setattr(m.glide_path[0], "from_year", 1.0)),
        ("glide_path[1].from_year", lambda m: setattr(m.glide_path[1], "from_year", 0.03)),
        ("glide_path[1].from_year", lambda m: setattr(m.glide_path[1], "from_year", NAN)),
        ("glide_path[0].weights", lambda m: m.glide_path[0].ClearField("weights")),
        ("glide_path[0].weights", lambda m: setattr(m.glide_path[0].weights[0], "weight", 0.6)),
        ("glide_path[0].weights", lambda m: setattr(m.glide_path[0].weights[0], "weight", NAN)),
        ("glide_path[0].weights[1].weight", lambda m: setattr(m.glide_path[0].weights[1], "weight", -0.1)),
        ("glide_path[0].weights[1].product_id", lambda m: setattr(m.glide_path[0].weights[1], "product_id", "p9")),
        ("glide_path[0].weights[1].product_id", lambda m: setattr(m.glide_path[0].weights[1], "product_id", "p0")),
    ],
)
def test_each_wrong_field_is_named_by_its_path(path: str, change: Change) -> None:
    message = _message()

    change(message)

    assert path in _refused(message)


def test_inflation_is_required_where_the_market_states_none() -> None:
    message = _message()
    message.ClearField("inflation")
    checks = Checks()

    parse_goal(message, PROBLEM, replace(MARKET, inflation={}), checks)

    with pytest.raises(InvalidRequest, match="inflation: missing"):
        checks.raise_any()


def test_all_wrong_fields_are_reported_together() -> None:
    message = _message()
    message.horizon_years, message.target_value, message.path_count = NAN, -1.0, 5

    assert _refused(message) == ["horizon_years", "target_value", "path_count"]


ODD = (NAN, INFINITY, -1.0, 1e-300, 1e300)


def _random_message(rng: random.Random) -> Message:
    """Return a message that is often valid and often at or over the edge of what is."""

    def number(low: float, high: float) -> float:
        return rng.choice(ODD) if rng.random() < 0.03 else rng.choice((low, high, rng.uniform(low, high)))

    message = Message(
        initial_value=number(0.0, 1e15),
        monthly_contribution=number(0.0, 1e15),
        horizon_years=number(0.01, 20.0),
        target_value=number(0.0, 1e15),
        advisory_fee=number(0.0, 0.1),
        path_count=rng.choice((100, 100, 257, -1)),
        seed=rng.getrandbits(64),
    )
    for field in ("return_model", "sampling"):
        setattr(message, field, rng.choice((0, 0, 1, 2, 7)))
    message.problem.base_currency = rng.choice(("USD", "USD", "USD", ""))
    for year in (0.0, 1.0, 1.5)[: rng.randint(0, 3)]:
        share = number(0.0, 1.0)
        message.glide_path.add(from_year=year, weights=_weights(share, 1.0 - share))
    if rng.random() < 0.5:
        message.monthly_withdrawal, message.withdrawal_start_year = number(0.0, 1e15), number(0.0, 60.0)
    if rng.random() < 0.5:
        message.inflation = number(-0.1, 1.0)
    if rng.random() < 0.5:
        message.wanted_probability = number(1e-9, 1.0 - 1e-9)
    return message


@pytest.mark.parametrize("mean", [-0.899, 9.99])
@pytest.mark.parametrize("inflation", [-0.1, 1.0])
def test_sixty_years_at_the_edge_of_what_is_accepted_stay_within_the_range_of_numbers(
    mean: float, inflation: float
) -> None:
    message = _message()
    message.horizon_years, message.withdrawal_start_year, message.inflation = 60.0, 1.0, inflation
    message.initial_value = message.monthly_withdrawal = message.target_value = 1e15
    request = _parsed(message)
    moments = product_moments(products(2), "USD", dense_market([mean, mean], np.full((2, 2), 24.99)))

    returns = log_normal_months(request.glide, request.goal.months, moments)
    outcome = simulate_goal(GoalJob(request.goal, returns, request.sampling, 0.99))

    assert np.isfinite([value for point in outcome.fan for value in point.values]).all()
    assert outcome.extra_contribution is not None


def test_estimates_that_a_bootstrap_would_ignore_are_refused() -> None:
    message, checks = _message(), Checks()
    message.return_model = messages.RETURN_MODEL_BLOCK_BOOTSTRAP

    parse_goal(message, replace(PROBLEM, estimates=Estimates()), MARKET, checks)

    with pytest.raises(InvalidRequest, match=r"problem\.estimates: the block bootstrap"):
        checks.raise_any()


def test_two_hundred_random_requests_are_answered_or_refused_by_field() -> None:
    rng = random.Random(20_261_122)
    moments = product_moments(products(2), "USD", dense_market([-0.9, 10.0], np.diag([25.0, 25.0])))
    answered = refused = 0

    for _ in range(200):
        try:
            request = _parsed(_random_message(rng))
            refuse_unsupported(request)
        except (InvalidRequest, UnsupportedCombination):
            refused += 1
            continue
        returns = log_normal_months(request.glide, request.goal.months, moments)
        outcome = simulate_goal(GoalJob(request.goal, returns, request.sampling, request.wanted_probability))
        numbers = [value for point in outcome.fan for value in point.values]
        assert np.isfinite([outcome.success_probability, outcome.standard_error, *numbers]).all()
        answered += 1

    assert min(answered, refused) > 30
