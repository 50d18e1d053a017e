from __future__ import annotations

import numpy as np
import pytest

from benchmarks.retrieval.listwise import Listed, fitted
from services.retrieval.features import FEATURES
from services.retrieval.relevance import Pair, probability
from services.retrieval.search import Candidates

PAIR, ACROSS = Pair("en", "en", False), Pair("en", "zh", False)
CANDIDATES = 20


def listed(rng: np.random.Generator, pair: Pair, difficulty: float, answered: bool = True) -> Listed:
    """A question whose first candidate answers it: its cosine stands out by 0.3, whatever those of the others are."""
    features = np.zeros((CANDIDATES, len(FEATURES)))
    features[:, 0] = rng.uniform(0.0, 0.1, CANDIDATES) + difficulty
    features[:, 1] = rng.uniform(0.0, 1.0, CANDIDATES)
    labels = np.zeros(CANDIDATES, dtype=bool)
    if answered:
        features[0, 0] += 0.3
        labels[0] = True
    return Listed([Candidates(pair, np.arange(CANDIDATES), features)], [labels], 1.0)


@pytest.fixture(scope="module")
def lists() -> list[Listed]:
    rng = np.random.default_rng(7)
    return [listed(rng, (PAIR, ACROSS)[n % 2], rng.uniform(0.0, 0.6), answered=n % 4 > 0) for n in range(200)]


def test_what_sets_the_answer_apart_within_a_question_is_learned_whatever_its_difficulty(lists: list[Listed]) -> None:
    models = fitted(lists)

    for one in lists:
        (group,), (labels,) = one.groups, one.labels
        if labels.any():
            assert models[group.pair].log_odds(group.features).argmax() == 0


def test_probabilities_add_up_to_what_is_relevant(lists: list[Listed]) -> None:
    models = fitted(lists)

    odds = [value for one in lists for group in one.groups for value in models[group.pair].log_odds(group.features)]
    relevant = sum(labels.sum() for one in lists for labels in one.labels)

    # A logistic regression with an offset is calibrated in the large; the regularisation leaves a trace.
    assert sum(map(probability, odds)) == pytest.approx(relevant, rel=0.01)


def test_a_list_without_an_answer_moves_no_order_but_lowers_probabilities(lists: list[Listed]) -> None:
    answered = [one for one in lists if any(labels.any() for labels in one.labels)]
    few, many = fitted(answered), fitted(lists)

    slopes = many[PAIR].weights[:2] / few[PAIR].weights[:2]
    assert slopes[0] == pytest.approx(slopes[1], rel=1e-6)
    (group,) = answered[0].groups
    assert many[group.pair].log_odds(group.features).sum() < few[group.pair].log_odds(group.features).sum()
