from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.retrieval.metrics import MEASURES, difference, estimate, measures, share


def _measured(ranked: str, relevant: str) -> dict[str, float]:
    return dict(zip(MEASURES, measures(list(ranked), frozenset(relevant)), strict=True))


def test_a_relevant_first_result_reaches_the_whole_of_every_measure() -> None:
    assert _measured("abc", "a") == dict.fromkeys(MEASURES, 1.0)


def test_nothing_relevant_reaches_nothing() -> None:
    assert _measured("abc", "z") == dict.fromkeys(MEASURES, 0.0)


def test_measures_of_the_second_and_the_sixth_of_three_relevant_results() -> None:
    found = _measured("abcdefgh", "bfz")

    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert found == pytest.approx(
        {
            "recall@1": 0.0,
            "recall@5": 1 / 3,
            "recall@10": 2 / 3,
            "nDCG@10": (1 / math.log2(3) + 1 / math.log2(7)) / ideal,
            "MRR@10": 1 / 2,
            "success@5": 1.0,
        }
    )


def test_recall_is_of_as_many_as_could_be_there() -> None:
    assert _measured("abcdefgh", "abcdefgh")["recall@5"] == 1.0
    assert _measured("zabcdefg", "abcdefgh")["recall@5"] == pytest.approx(4 / 5)


def test_the_eleventh_result_does_not_count() -> None:
    assert _measured("abcdefghijk", "k")["MRR@10"] == 0.0


def test_a_mean_has_its_standard_error_and_an_interval_around_it() -> None:
    found = estimate(np.array([0.0, 1.0, 1.0, 0.0]))

    assert found.mean == 0.5
    assert found.error == pytest.approx(math.sqrt(1 / 3) / 2)
    assert 0.0 <= found.low < 0.5 < found.high <= 1.0


def test_a_difference_is_paired() -> None:
    theirs = np.array([0.1, 0.9, 0.3, 0.7])

    found = difference(theirs + 0.1, theirs)

    assert (found.mean, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))


def test_a_share_has_wilsons_interval() -> None:
    # Newcombe (1998), table I: 81 of 263 gives 0.2553 to 0.3662.
    found = share(81, 263)

    assert (found.low, found.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_a_share_of_all_is_not_certain() -> None:
    assert share(20, 20).low == pytest.approx(0.8389, abs=5e-5)
