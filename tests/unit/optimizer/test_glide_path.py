"""Glide paths and the returns that follow from them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from services.optimizer.glide_path import GlidePath, bootstrap_months, log_normal_months
from services.optimizer.history import PricePanel
from services.optimizer.log_normal import monthly_log_moments
from services.optimizer.moments import product_moments
from shared.errors import InvalidRequest, UnsupportedCombination
from tests.unit.optimizer.builders import dense_market, products

TWO = GlidePath((0, 24), np.array([[1.0, 0.0], [0.25, 0.75]]))


def _without(panel: PricePanel, row: int) -> PricePanel:
    """Return the panel without one of its days."""
    return PricePanel(np.delete(panel.days, row), panel.product_ids, np.delete(panel.prices, row, axis=0))


def _panel(months: int, *names: str) -> PricePanel:
    """Return a price at the end of each month; product i gains i + 1 per cent a month."""
    days = (np.datetime64("2010-01") + np.arange(months)).astype("datetime64[D]") + 27
    growth = 1.0 + 0.01 * (1.0 + np.arange(len(names)))
    return PricePanel(days, names, np.asarray(growth ** np.arange(months)[:, None], dtype=np.float64))


def test_a_step_holds_from_its_month_until_the_next() -> None:
    np.testing.assert_array_equal(TWO.steps(26), [0] * 24 + [1] * 2)


def test_steps_after_the_horizon_never_hold() -> None:
    np.testing.assert_array_equal(TWO.steps(12), [0] * 12)


def test_each_month_has_the_net_moments_of_its_portfolio() -> None:
    market = dense_market([0.08, 0.03], [[0.04, 0.006], [0.006, 0.01]])
    moments = product_moments(products(2, fees=[0.002, 0.001]), "USD", market)

    returns = log_normal_months(TWO, 36, moments)

    first = monthly_log_moments(0.078, 0.2)
    mean = 0.25 * 0.078 + 0.75 * 0.029
    second = monthly_log_moments(mean, math.sqrt(0.0625 * 0.04 + 2 * 0.1875 * 0.006 + 0.5625 * 0.01))
    np.testing.assert_allclose(returns.drift, [first[0]] * 24 + [second[0]] * 12)
    np.testing.assert_allclose(returns.deviation, [first[1]] * 24 + [second[1]] * 12)


def test_a_portfolio_that_loses_everything_is_refused_by_its_step() -> None:
    moments = product_moments(products(2), "USD", dense_market([0.05, -1.5], np.diag([0.04, 0.01])))

    with pytest.raises(InvalidRequest) as refusal:
        log_normal_months(TWO, 36, moments)

    assert [violation.field for violation in refusal.value.violations] == ["glide_path[1].weights"]


def test_past_months_are_those_of_the_portfolios_of_all_steps() -> None:
    returns = bootstrap_months(TWO, 36, ["p0", "p1"], _panel(40, "p1", "p0"), 12.0)

    np.testing.assert_allclose(returns.past[:, 0], 0.02)
    np.testing.assert_allclose(returns.past[:, 1], 0.25 * 0.02 + 0.75 * 0.01)
    np.testing.assert_array_equal(returns.column, TWO.steps(36))


def test_a_product_that_is_never_held_needs_no_prices() -> None:
    glide = GlidePath((0,), np.array([[1.0, 0.0]]))

    returns = bootstrap_months(glide, 12, ["p0", "p1"], _panel(40, "p0"), 12.0)

    assert returns.past.shape[1] == 1


@pytest.mark.parametrize(
    ("panel", "complaint"),
    [
        (_panel(40, "p0"), "no prices of p1"),
        (_panel(20, "p0", "p1"), "the block bootstrap needs 24"),
        (_without(_panel(40, "p0", "p1"), 5), "the month after 2010-05"),
    ],
)
def test_what_cannot_be_bootstrapped_is_named(panel: PricePanel, complaint: str) -> None:
    with pytest.raises(UnsupportedCombination, match=complaint):
        bootstrap_months(TWO, 36, ["p0", "p1"], panel, 12.0)
