"""Estimators against their published formulas written out term by term, and against scikit-learn where it is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.optimizer.estimators import (
    CovarianceEstimator,
    Estimation,
    ReturnEstimator,
    bayes_stein_means,
    covariance_of,
    estimated,
    ewma_covariance,
    factor_covariance,
    ledoit_wolf_shrinkage,
    market_betas,
    oas_shrinkage,
    sample_covariance,
)
from services.optimizer.moments import market_of_products, product_moments
from services.optimizer.problem import Product
from shared.errors import InvalidRequest
from tests.unit.optimizer.price_tables import history, holed_panel

RETURNS = np.random.default_rng(3).normal(0.0, 0.01, (120, 6)) @ np.random.default_rng(4).normal(0.0, 1.0, (6, 6))


def test_ledoit_wolf_equals_the_paper_written_out_day_by_day() -> None:
    days, count = RETURNS.shape
    centred = RETURNS - RETURNS.mean(axis=0)
    sample = sum(np.outer(x, x) for x in centred) / days

    def squared_norm(matrix: np.ndarray) -> float:
        return float(np.trace(matrix @ matrix.T)) / count

    m = float(np.trace(sample)) / count
    d2 = squared_norm(sample - m * np.eye(count))
    b2 = min(sum(squared_norm(np.outer(x, x) - sample) for x in centred) / days**2, d2)

    assert ledoit_wolf_shrinkage(RETURNS) == pytest.approx(b2 / d2, rel=1e-12)


def test_ledoit_wolf_equals_scikit_learn() -> None:
    covariance = pytest.importorskip("sklearn.covariance")

    expected, shrinkage = covariance.ledoit_wolf(RETURNS)

    form = covariance_of(RETURNS, Estimation(covariance=CovarianceEstimator.LEDOIT_WOLF))
    assert ledoit_wolf_shrinkage(RETURNS) == pytest.approx(shrinkage, rel=1e-10)
    np.testing.assert_allclose(form.dense(), expected, rtol=1e-9, atol=1e-15)


def test_oas_is_the_fixed_point_that_the_paper_derives() -> None:
    # Chen et al. (2010), eq. 18 and 19: iterate rho and the covariance until nothing moves; eq. 23 is the limit.
    returns = np.random.default_rng(5).normal(0.0, 1.0, (20, 8)) * np.arange(1, 9)
    days, count = returns.shape
    centred = returns - returns.mean(axis=0)
    sample = centred.T @ centred / days
    target = np.trace(sample) / count * np.eye(count)

    rho = 0.5
    for _ in range(2_000):
        shrunk = (1 - rho) * sample + rho * target
        crossed = float(np.trace(shrunk @ sample))
        square = float(np.trace(shrunk)) ** 2
        numerator = (1 - 2 / count) * crossed + square
        rho = numerator / ((days + 1 - 2 / count) * crossed + (1 - days / count) * square)

    assert oas_shrinkage(returns) == pytest.approx(rho, rel=1e-9)


def test_oas_is_near_scikit_learns_which_leaves_out_the_terms_two_over_n() -> None:
    covariance = pytest.importorskip("sklearn.covariance")
    returns = np.random.default_rng(6).normal(0.0, 1.0, (50, 200))

    assert oas_shrinkage(returns) == pytest.approx(covariance.oas(returns)[1], rel=1e-2)


def test_exponential_weights_halve_after_the_half_life() -> None:
    returns = np.zeros((64, 1))
    returns[0, 0] = returns[-1, 0] = 1.0

    old, new = np.zeros((64, 1)), np.zeros((64, 1))
    old[0, 0] = new[-1, 0] = 1.0

    ratio = ewma_covariance(old, 63.0)[0, 0] / ewma_covariance(new, 63.0)[0, 0]
    assert ratio == pytest.approx(0.5, rel=1e-12)
    weights = 0.5 ** (np.arange(63, -1, -1) / 63.0)
    assert ewma_covariance(returns, 63.0)[0, 0] == pytest.approx((weights[0] + 1.0) / weights.sum(), rel=1e-12)


def test_all_factors_give_the_sample_back_and_few_keep_the_variances() -> None:
    whole, few = factor_covariance(RETURNS, 6), factor_covariance(RETURNS, 2)
    sample = sample_covariance(RETURNS)

    np.testing.assert_allclose(whole.dense(), sample, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(np.diag(few.dense()), np.diag(sample), rtol=1e-12)
    assert few.root.shape == (6, 2)


def test_without_a_number_as_many_factors_are_taken_as_explain_nine_tenths() -> None:
    values = np.sort(np.linalg.eigvalsh(sample_covariance(RETURNS)))[::-1]
    needed = int(np.argmax(np.cumsum(values) / values.sum() >= 0.9)) + 1

    assert factor_covariance(RETURNS, 0).root.shape == (6, needed)


def test_bayes_stein_equals_jorions_formula_for_two_assets_worked_by_hand() -> None:
    # Uncorrelated, equal variances: the least-variance portfolio is half and half, its mean the mean of both.
    up = np.array([0.03, -0.01, 0.03, -0.01] * 25)
    down = np.array([0.01, 0.01, -0.03, -0.03] * 25)
    returns = np.column_stack([up, down])
    days, count = returns.shape
    variance = np.var(up, ddof=1) * (days - 1) / (days - count - 2)
    target = 0.5 * (up.mean() + down.mean())
    square = ((up.mean() - target) ** 2 + (down.mean() - target) ** 2) / variance
    shrinkage = (count + 2) / (count + 2 + days * square)

    means = bayes_stein_means(returns)

    assert means == pytest.approx(
        [(1 - shrinkage) * up.mean() + shrinkage * target, (1 - shrinkage) * down.mean() + shrinkage * target]
    )


def test_james_stein_is_refused_where_products_do_not_differ() -> None:
    twice = np.column_stack([RETURNS[:, 0], RETURNS[:, 0]])

    with pytest.raises(InvalidRequest, match="James-Stein"):
        bayes_stein_means(twice)


def test_betas_average_to_one_and_set_the_capm_return() -> None:
    past = history(200, 4)
    estimation = Estimation(returns=ReturnEstimator.CAPM, risk_free_rate=0.02, market_premium=0.05)

    found = estimated(past, "USD", estimation)

    betas = market_betas(past.daily_returns())
    market = past.daily_returns().mean(axis=1)
    by_regression = np.polyfit(market, past.daily_returns()[:, 2], 1)[0]
    assert betas.mean() == pytest.approx(1.0)
    assert betas[2] == pytest.approx(by_regression)
    np.testing.assert_allclose(found.expected, 0.02 + 0.05 * betas)
    assert not found.is_after_fees


def test_the_window_takes_the_latest_days_only() -> None:
    past = history(300, 3)

    found = estimated(past, "USD", Estimation(window_days=100))

    np.testing.assert_allclose(found.expected, past.daily_returns()[-100:].mean(axis=0) * 252)


def test_too_few_days_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="expected at least 60"):
        estimated(history(50, 2), "USD", Estimation())


def test_a_portfolio_problem_takes_its_products_from_the_estimates_in_its_own_order() -> None:
    past = history(400, 6)
    sample = Estimation(covariance=CovarianceEstimator.SAMPLE)
    market = market_of_products("0" * 64, estimated(past, "USD", sample))
    chosen = [Product(name, "any", {}, 0.0, 0.01) for name in ("p4", "p1")]

    moments = product_moments(chosen, "USD", market)

    returns = past.daily_returns()[:, [4, 1]]
    np.testing.assert_allclose(moments.expected_net, returns.mean(axis=0) * 252)
    np.testing.assert_allclose(moments.expected - moments.expected_net, [0.01, 0.01])
    dense = moments.root @ moments.root.T + np.diag(moments.specific**2)
    np.testing.assert_allclose(dense, np.cov(returns, rowvar=False) * 252, rtol=1e-9)
    assert moments.root.shape == (2, 2)


@settings(deadline=None)
@given(
    days=st.integers(60, 90),
    count=st.integers(1, 12),
    seed=st.integers(0, 1_000),
    estimator=st.sampled_from(CovarianceEstimator),
)
def test_every_covariance_is_symmetric_positive_semidefinite_and_scales_with_the_square(
    days: int, count: int, seed: int, estimator: CovarianceEstimator
) -> None:
    returns = np.random.default_rng(seed).normal(0.0, 0.01, (days, count))
    estimation = Estimation(covariance=estimator)

    one, double = (covariance_of(scale * returns, estimation).dense() for scale in (1.0, 2.0))

    assert np.linalg.eigvalsh(one).min() >= -1e-18
    np.testing.assert_allclose(double, 4.0 * one, rtol=1e-8, atol=1e-16)


@settings(deadline=None)
@given(st.integers(0, 1_000))
def test_shrinkage_lies_between_none_and_all_and_keeps_the_trace(seed: int) -> None:
    returns = np.random.default_rng(seed).normal(0.0, 0.01, (70, 5))
    trace = float(np.var(returns, axis=0).sum())

    for name, intensity in (("LEDOIT_WOLF", ledoit_wolf_shrinkage(returns)), ("OAS", oas_shrinkage(returns))):
        form = covariance_of(returns, Estimation(covariance=CovarianceEstimator[name]))

        assert 0.0 <= intensity <= 1.0
        assert math.isclose(float(np.trace(form.dense())), trace, rel_tol=1e-9)


def test_days_that_are_missing_do_not_raise_what_is_estimated() -> None:
    whole, holed = history(1000, 100), holed_panel(1000, 100, holes=9).history()

    found = estimated(holed, "USD", Estimation(covariance=CovarianceEstimator.SAMPLE))

    true = estimated(whole, "USD", Estimation(covariance=CovarianceEstimator.SAMPLE))
    # Of 1,000 days about 400 are left, and about 160 returns between two of them: a standard error of 6 % each, of
    # 0.6 % in the median of a hundred. Returns over several days as one would give half as much again.
    assert len(holed) < 450
    median, expected = (float(np.median(np.linalg.norm(each.root, axis=1))) for each in (found, true))
    assert median == pytest.approx(expected, rel=0.03)


def test_a_return_over_a_missing_day_is_no_daily_return() -> None:
    panel = holed_panel(200, 1, holes=0)
    panel.prices[[50, 51, 120], 0] = np.nan

    returns = panel.history().daily_returns()

    kept = np.delete(history(200, 1).daily_returns(), [49, 50, 51, 119, 120], axis=0)
    np.testing.assert_array_equal(returns, kept)
