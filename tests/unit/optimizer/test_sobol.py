"""The Brownian bridge and the split into scrambles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.optimizer.sobol import LEAST_SCRAMBLES, bridge, bridged_normals, scrambles


@pytest.mark.parametrize("months", [1, 2, 3, 12, 37, 720])
def test_the_bridge_only_turns_the_normals(months: int) -> None:
    turned = bridge(np.eye(months))

    # An orthogonal map keeps independent standard normals what they are.
    np.testing.assert_allclose(turned.T @ turned, np.eye(months), atol=1e-12)


@pytest.mark.parametrize("months", [1, 2, 3, 12, 37, 720])
def test_the_first_coordinate_alone_decides_the_sum(months: int) -> None:
    sums = bridge(np.eye(months)).sum(axis=0)

    np.testing.assert_allclose(sums, [np.sqrt(months), *np.zeros(months - 1)], atol=1e-12)


@settings(deadline=None)
@given(st.integers(100, 1_000_000))
def test_paths_are_split_into_sixteen_to_thirty_two_scrambles_of_a_power_of_two(path_count: int) -> None:
    count, points = scrambles(path_count)

    assert LEAST_SCRAMBLES <= count <= 2 * LEAST_SCRAMBLES
    assert points & (points - 1) == 0
    assert path_count <= count * points <= path_count * (1.0 + 1.0 / LEAST_SCRAMBLES)


def test_chunks_of_a_scramble_are_the_scramble() -> None:
    (whole,) = bridged_normals(24, 64, np.random.default_rng(1), 64)

    parts = list(bridged_normals(24, 64, np.random.default_rng(1), 16))

    assert [part.shape for part in parts] == [(24, 16)] * 4
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


def test_the_months_of_a_scramble_are_standard_normal() -> None:
    (normals,) = bridged_normals(12, 4_096, np.random.default_rng(1), 4_096)

    np.testing.assert_allclose(normals.mean(axis=1), 0.0, atol=0.01)
    np.testing.assert_allclose(np.cov(normals), np.eye(12), atol=0.03)
