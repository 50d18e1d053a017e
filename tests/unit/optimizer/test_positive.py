from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.optimizer.positive import nearest_correlation, repaired


def test_the_nearest_correlation_of_higham_is_reproduced() -> None:
    """Higham (2002), section 4: the nearest correlation to a matrix of ones and zeros, distance 0.5278."""
    given_matrix = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])

    nearest = nearest_correlation(given_matrix)

    # Printed with four decimals.
    assert nearest == pytest.approx(
        np.array([[1.0, 0.7607, 0.1573], [0.7607, 1.0, 0.7607], [0.1573, 0.7607, 1.0]]), abs=5e-5
    )
    assert np.linalg.norm(nearest - given_matrix) == pytest.approx(0.5278, abs=5e-5)


def test_a_covariance_that_is_one_is_not_touched() -> None:
    covariance = np.array([[0.04, 0.006], [0.006, 0.0225]])

    found = repaired(covariance)

    assert found.distance == 0.0
    assert found.root @ found.root.T == pytest.approx(covariance, abs=1e-15)


def test_a_singular_covariance_with_cash_is_not_touched() -> None:
    covariance = np.array([[0.04, 0.04, 0.0], [0.04, 0.04, 0.0], [0.0, 0.0, 0.0]])

    found = repaired(covariance)

    assert found.distance == 0.0
    assert found.root @ found.root.T == pytest.approx(covariance, abs=1e-15)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 6), st.integers(0, 10_000))
def test_a_repaired_covariance_keeps_its_variances_and_is_positive(count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    raw = random.uniform(-1.0, 1.0, (count, count))
    deviations = random.uniform(0.05, 0.4, count)
    correlation = np.clip(raw + raw.T, -1.0, 1.0)
    np.fill_diagonal(correlation, 1.0)
    covariance = correlation * np.outer(deviations, deviations)

    found = repaired(covariance)

    rebuilt = found.root @ found.root.T
    assert np.diagonal(rebuilt) == pytest.approx(deviations**2, rel=1e-6)
    assert np.linalg.eigvalsh(rebuilt)[0] >= -1e-12
    assert np.linalg.norm(rebuilt - covariance) / np.linalg.norm(covariance) == pytest.approx(found.distance, abs=1e-6)
