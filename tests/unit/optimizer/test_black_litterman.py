"""Black and Litterman's model against the tables of He and Litterman (1999) and of Idzorek (2005)."""

from __future__ import annotations

import numpy as np
import pytest

from services.optimizer.black_litterman import posterior, with_views
from services.optimizer.estimates import Views
from services.optimizer.moments import Moments

# He and Litterman (1999), tables 1 and 2: Australia, Canada, France, Germany, Japan, United Kingdom, United States.
DEVIATIONS = np.array([16.0, 20.3, 24.8, 27.1, 21.0, 20.0, 18.7]) / 100
MARKET = np.array([1.6, 2.2, 5.2, 5.5, 11.6, 12.4, 61.5]) / 100
LOWER = [
    [0.488],
    [0.478, 0.664],
    [0.515, 0.655, 0.861],
    [0.439, 0.310, 0.355, 0.354],
    [0.512, 0.608, 0.783, 0.777, 0.405],
    [0.491, 0.779, 0.668, 0.653, 0.306, 0.652],
]
# Germany against France and the United Kingdom, these two by their market weights; Canada against the United States.
EUROPE = [0.0, 0.0, -0.295, 1.0, 0.0, -0.705, 0.0]
AMERICA = [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, -1.0]
# Printed with one decimal of a per cent, from inputs printed with one decimal.
PRINTED = 0.0015


def _covariance() -> np.ndarray:
    correlation = np.eye(7)
    for row, values in enumerate(LOWER, start=1):
        correlation[row, :row] = correlation[:row, row] = values
    return correlation * np.outer(DEVIATIONS, DEVIATIONS)


def _views(picks: list[list[float]], expected: list[float], confidence: float = 0.5) -> Views:
    return Views(
        market_weights=MARKET,
        risk_aversion=2.5,
        tau=0.05,
        picks=np.array(picks).reshape(len(expected), 7),
        expected=np.array(expected),
        confidences=np.full(len(expected), confidence),
        add_estimation_error=True,
    )


def _moments() -> Moments:
    return Moments(np.zeros(7), np.zeros(7), np.linalg.cholesky(_covariance()), np.zeros(7), 0.0)


def test_equilibrium_returns_of_he_and_litterman_are_reproduced() -> None:
    found = posterior(_covariance(), _views([], []))

    assert found.expected == pytest.approx(np.array([3.9, 6.9, 8.4, 9.0, 4.3, 6.8, 7.6]) / 100, abs=PRINTED)


@pytest.mark.parametrize(
    ("picks", "views", "expected", "weights"),
    [
        ([EUROPE], [0.05], [4.3, 7.6, 9.3, 11.0, 4.5, 7.0, 8.1], [1.5, 2.1, -4.0, 35.4, 11.0, -9.5, 58.6]),
        (
            [EUROPE, AMERICA],
            [0.05, 0.03],
            [4.4, 8.7, 9.5, 11.2, 4.6, 7.0, 7.5],
            [1.5, 41.9, -3.4, 33.6, 11.0, -8.2, 18.8],
        ),
    ],
)
def test_tables_4_and_5_of_he_and_litterman_are_reproduced_with_the_estimation_error(
    picks: list[list[float]], views: list[float], expected: list[float], weights: list[float]
) -> None:
    moments = with_views(_moments(), _views(picks, views))

    covariance = moments.root @ moments.root.T + np.diag(moments.specific**2)
    optimal = np.linalg.solve(2.5 * covariance, moments.expected)

    assert moments.expected == pytest.approx(np.array(expected) / 100, abs=PRINTED)
    # Weights amplify the rounding of the inputs.
    assert optimal == pytest.approx(np.array(weights) / 100, abs=0.012)


IDZOREK_COVARIANCE = np.array(
    [
        [0.001005, 0.001328, -0.000579, -0.000675, 0.000121, 0.000128, -0.000445, -0.000437],
        [0.001328, 0.007277, -0.001307, -0.000610, -0.002237, -0.000989, 0.001442, -0.001535],
        [-0.000579, -0.001307, 0.059852, 0.027588, 0.063497, 0.023036, 0.032967, 0.048039],
        [-0.000675, -0.000610, 0.027588, 0.029609, 0.026572, 0.021465, 0.020697, 0.029854],
        [0.000121, -0.002237, 0.063497, 0.026572, 0.102488, 0.042744, 0.039943, 0.065994],
        [0.000128, -0.000989, 0.023036, 0.021465, 0.042744, 0.032056, 0.019881, 0.032235],
        [-0.000445, 0.001442, 0.032967, 0.020697, 0.039943, 0.019881, 0.028355, 0.035064],
        [-0.000437, -0.001535, 0.048039, 0.029854, 0.065994, 0.032235, 0.035064, 0.079958],
    ]
)
IDZOREK_MARKET = np.array([19.34, 26.13, 12.09, 12.09, 1.34, 1.34, 24.18, 3.49]) / 100
IDZOREK_PICKS = np.array([[0, 0, 0, 0, 0, 0, 1, 0], [-1, 1, 0, 0, 0, 0, 0, 0], [0, 0, 0.9, -0.9, 0.1, -0.1, 0, 0]])


def _idzorek(confidences: list[float], only: slice = slice(None)) -> Views:
    return Views(
        market_weights=IDZOREK_MARKET,
        risk_aversion=3.07,
        tau=0.025,
        picks=IDZOREK_PICKS[only].astype(float),
        expected=np.array([0.0525, 0.0025, 0.02])[only],
        confidences=np.array(confidences)[only],
        add_estimation_error=False,
    )


def test_idzorek_s_table_of_combined_returns_is_reproduced() -> None:
    """Idzorek (2005), tables 1 to 6: US and foreign bonds; large and small, growth and value; developed, emerging."""
    found = posterior(IDZOREK_COVARIANCE, _idzorek([0.5, 0.5, 0.5]))
    optimal = np.linalg.solve(3.07 * IDZOREK_COVARIANCE, found.expected)

    implied = np.array([0.08, 0.67, 6.41, 4.08, 7.43, 3.70, 4.80, 6.60]) / 100
    combined = np.array([0.07, 0.50, 6.50, 4.32, 7.59, 3.94, 4.93, 6.84]) / 100
    assert found.prior == pytest.approx(implied, abs=2e-4)
    assert found.expected == pytest.approx(combined, abs=5e-4)
    assert optimal == pytest.approx(np.array([29.88, 15.59, 9.35, 14.82, 1.04, 1.65, 27.81, 3.49]) / 100, abs=5e-3)


@pytest.mark.parametrize("confidence", [0.25, 0.5, 0.65])
@pytest.mark.parametrize("view", [0, 1, 2])
def test_a_confidence_tilts_the_weights_by_that_share_of_a_certain_view(view: int, confidence: float) -> None:
    """Idzorek (2005), section 4: this is what a confidence means."""
    only = slice(view, view + 1)

    def tilt(level: float) -> np.ndarray:
        found = posterior(IDZOREK_COVARIANCE, _idzorek([level] * 3, only))
        return np.linalg.solve(3.07 * IDZOREK_COVARIANCE, found.expected - found.prior)

    assert tilt(confidence) == pytest.approx(confidence * tilt(1.0), abs=1e-9)


def test_a_certain_view_holds_exactly() -> None:
    views = _idzorek([1.0, 1.0, 1.0])

    found = posterior(IDZOREK_COVARIANCE, views)

    assert views.picks @ found.expected == pytest.approx(views.expected, abs=1e-12)


def test_without_views_the_market_portfolio_is_optimal() -> None:
    found = posterior(_covariance(), _views([], []))

    assert np.linalg.solve(2.5 * _covariance(), found.expected) == pytest.approx(MARKET, abs=1e-12)
