"""Estimates in the request: what is read, what is refused, what follows from them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from fiducia.optimizer.v1 import estimates_pb2 as messages
from fiducia.optimizer.v1 import portfolio_pb2

from services.optimizer.checks import Checks
from services.optimizer.estimates import DenseCovariance, Estimates, FactorCovariance, Scenarios
from services.optimizer.expectations import expectations_of
from services.optimizer.parse import parse_problem
from services.optimizer.problem import Problem
from shared.errors import InvalidRequest
from tests.unit.optimizer.builders import best, dense_market, products

MARKET = dense_market([0.05, 0.06], [[0.04, 0.0], [0.0, 0.01]])
NAN = math.nan
PATH = "problem.estimates"


def _message() -> portfolio_pb2.PortfolioProblem:
    terms = [portfolio_pb2.ProductTerms(product_id=f"p{i}", asset_class="any", expense_ratio=0.0) for i in range(2)]
    return portfolio_pb2.PortfolioProblem(
        base_currency="USD",
        products=terms,
        estimates=messages.Estimates(
            expected_returns=[0.05, 0.06],
            covariance=messages.CovarianceEstimate(
                dense=messages.DenseCovariance(lower_triangle=[0.04, 0.006, 0.0225])
            ),
        ),
    )


def _refused(message: portfolio_pb2.PortfolioProblem) -> list[str]:
    checks = Checks()
    parse_problem(message, MARKET, checks)
    with pytest.raises(InvalidRequest) as refusal:
        checks.raise_any()
    return [violation.field for violation in refusal.value.violations]


def test_estimates_need_no_exposures_and_no_known_asset_class() -> None:
    checks = Checks()

    problem = parse_problem(_message(), MARKET, checks)

    checks.raise_any()
    moments = expectations_of(problem, MARKET).moments
    assert moments.expected == pytest.approx([0.05, 0.06])
    assert moments.root @ moments.root.T == pytest.approx(np.array([[0.04, 0.006], [0.006, 0.0225]]))


def _dense(values: list[float]) -> Callable[[messages.Estimates], None]:
    def change(estimates: messages.Estimates) -> None:
        estimates.covariance.dense.lower_triangle[:] = values

    return change


def _factor(**fields: object) -> Callable[[messages.Estimates], None]:
    def change(estimates: messages.Estimates) -> None:
        whole = {
            "loadings": [1.0, 0.5],
            "factor_count": 1,
            "factor_covariance": [0.04],
            "specific_variances": [0.0, 0.01],
        }
        estimates.covariance.factor.CopyFrom(messages.FactorCovariance(**{**whole, **fields}))  # type: ignore[arg-type]

    return change


def _scenarios(returns: list[float], count: int, horizon: float = 1.0) -> Callable[[messages.Estimates], None]:
    def change(estimates: messages.Estimates) -> None:
        estimates.scenarios.CopyFrom(messages.Scenarios(returns=returns, scenario_count=count, horizon_years=horizon))

    return change


def _views(**fields: object) -> Callable[[messages.Estimates], None]:
    def change(estimates: messages.Estimates) -> None:
        estimates.ClearField("expected_returns")
        whole = {"market_weights": [0.5, 0.5], "risk_aversion": 2.5}
        estimates.black_litterman.CopyFrom(messages.BlackLitterman(**{**whole, **fields}))  # type: ignore[arg-type]

    return change


WRONG: list[tuple[Callable[[messages.Estimates], None], list[str]]] = [
    (lambda e: e.ClearField("expected_returns"), ["expected_returns"]),
    (lambda e: e.expected_returns.append(0.1), ["expected_returns"]),
    (lambda e: e.expected_returns.__setitem__(1, NAN), ["expected_returns[1]"]),
    (_dense([0.04, 0.006]), ["covariance.dense.lower_triangle"]),
    (_dense([0.04, math.inf, 0.0225]), ["covariance.dense.lower_triangle[1]"]),
    (_dense([0.04, 0.006, -0.01]), ["covariance.dense.lower_triangle[2]"]),
    (_dense([0.0, 0.006, 0.01]), ["covariance.dense.lower_triangle[0]"]),
    (_factor(loadings=[1.0]), ["covariance.factor.loadings"]),
    (_factor(factor_count=0), ["covariance.factor.factor_count"]),
    (_factor(factor_covariance=[-0.1]), ["covariance.factor.factor_covariance[0]"]),
    (_factor(specific_variances=[0.0, -0.1]), ["covariance.factor.specific_variances[1]"]),
    (_scenarios([0.1] * 5, 3), ["scenarios.returns"]),
    (_scenarios([0.1] * 6, 3, 0.0), ["scenarios.horizon_years"]),
    (_scenarios([0.1, 0.1, 0.1, NAN], 2), ["scenarios.returns[3]"]),
    (_views(market_weights=[0.5, 0.2]), ["black_litterman.market_weights"]),
    (_views(risk_aversion=0.0), ["black_litterman.risk_aversion"]),
    (_views(tau=-1.0), ["black_litterman.tau"]),
    (
        _views(views=[messages.View(expected_return=0.1)]),
        ["black_litterman.views[0].confidence", "black_litterman.views[0].legs"],
    ),
    (
        _views(views=[messages.View(confidence=0.5, legs=[messages.ViewLeg(product_id="px", share=1.0)])]),
        ["black_litterman.views[0].legs[0].product_id"],
    ),
]


@pytest.mark.parametrize(("change", "fields"), WRONG)
def test_a_wrong_estimate_is_refused_by_the_name_of_its_field(
    change: Callable[[messages.Estimates], None], fields: list[str]
) -> None:
    message = _message()
    change(message.estimates)

    assert _refused(message) == [f"{PATH}.{field}" for field in fields]


def test_a_factor_covariance_is_the_dense_one_it_stands_for() -> None:
    loadings, factors = np.array([[1.0, 0.2], [0.5, 0.9], [0.1, -0.3]]), np.array([[0.04, 0.01], [0.01, 0.03]])
    specific = np.array([0.01, 0.002, 0.03])
    whole = loadings @ factors @ loadings.T + np.diag(specific)
    expected = np.array([0.05, 0.06, 0.07])

    weights = [
        best(Problem("USD", products(3), estimates=Estimates(expected, form)), MARKET).weights
        for form in (FactorCovariance(loadings, factors, specific), DenseCovariance(whole))
    ]

    assert weights[0] == pytest.approx(weights[1], abs=1e-9)


def test_a_small_distance_to_a_possible_covariance_is_repaired_and_reported() -> None:
    matrix = np.array([[0.04, 0.0404], [0.0404, 0.04]])
    problem = Problem("USD", products(2), estimates=Estimates(np.array([0.05, 0.06]), DenseCovariance(matrix)))

    found = best(problem, MARKET)

    # The nearest with these variances is a correlation of one: two entries move by 0.0004.
    assert found.covariance_repair == pytest.approx(0.0004 * np.sqrt(2) / np.linalg.norm(matrix), rel=1e-4)


def test_a_large_distance_is_refused_by_name() -> None:
    matrix = np.array([[0.04, 0.08], [0.08, 0.04]])
    problem = Problem("USD", products(2), estimates=Estimates(np.array([0.05, 0.06]), DenseCovariance(matrix)))

    with pytest.raises(InvalidRequest, match=r"covariance\.dense\.lower_triangle: not positive semidefinite"):
        best(problem, MARKET)


def test_scenarios_alone_give_the_sample_moments_per_year() -> None:
    returns = np.random.default_rng(0).normal(0.01, 0.05, size=(500, 3))
    problem = Problem("USD", products(3), estimates=Estimates(scenarios=Scenarios(returns, 0.25)))

    moments = expectations_of(problem, MARKET).moments

    assert moments.expected == pytest.approx(returns.mean(axis=0) * 4)
    assert moments.root @ moments.root.T == pytest.approx(np.cov(returns.T) * 4, abs=1e-12)


def _known(**estimates: object) -> Problem:
    """Return the problem of two products of the market's classes with these estimates and no covariance."""
    message = _message()
    for i, terms in enumerate(message.products):
        terms.asset_class = f"a{i}"
        terms.exposures.add(asset_class=f"a{i}", loading=1.0)
    message.estimates.CopyFrom(messages.Estimates(**estimates))  # type: ignore[arg-type]
    checks = Checks()
    problem = parse_problem(message, MARKET, checks)
    checks.raise_any()
    return problem


def test_expected_returns_alone_take_the_covariance_of_the_snapshot() -> None:
    moments = expectations_of(_known(expected_returns=[0.01, 0.09]), MARKET).moments

    assert moments.expected == pytest.approx([0.01, 0.09])
    assert moments.root @ moments.root.T == pytest.approx(np.diag([0.04, 0.01]))


def test_views_alone_start_from_the_equilibrium_of_their_market_weights_over_the_snapshots_covariance() -> None:
    equilibrium = messages.BlackLitterman(market_weights=[0.25, 0.75], risk_aversion=2.0)

    without = expectations_of(_known(black_litterman=equilibrium), MARKET).moments
    equilibrium.views.add(expected_return=0.08, confidence=1.0).legs.add(product_id="p0", share=1.0)
    with_view = expectations_of(_known(black_litterman=equilibrium), MARKET).moments

    # 2 * 0.04 * 0.25 and 2 * 0.01 * 0.75: what the snapshot itself expects, 0.05 and 0.06, plays no part.
    assert without.expected == pytest.approx([0.02, 0.015])
    assert with_view.expected == pytest.approx([0.08, 0.015])


def test_without_a_covariance_of_its_own_a_request_names_what_the_snapshot_knows() -> None:
    message = _message()
    message.estimates.ClearField("covariance")

    assert _refused(message) == [
        f"problem.products[{i}].{field}" for i in range(2) for field in ("asset_class", "exposures")
    ]


def test_estimates_that_say_nothing_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="expected_returns: missing"):
        _known()
