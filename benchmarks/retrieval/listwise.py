"""Learn to put the passages that answer a question first, and then what their scores mean.

Order: the conditional logit of McFadden (1974), in ranking known as listwise softmax (Cao and others 2007). Relevant
passages are to be chosen among the candidates of their question, so that only differences within a question count: what
makes one harder than another cannot bend the weights, as it does where every passage is a case of its own.
Probability: one slope and one offset over all candidates, by logistic regression (Platt 1999).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from services.retrieval.features import FEATURES
from services.retrieval.relevance import Pair, PairModel
from services.retrieval.search import Candidates

# Weak: there are thousands of candidates for a handful of weights.
_RIDGE = 0.01
_STEPS = 300

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Listed:
    """The candidates of one question, one group for each language of passages, with labels, and what it weighs."""

    groups: Sequence[Candidates]
    labels: Sequence[NDArray[np.bool_]]
    weight: float


class _Rows:
    """All candidates of some questions: features with a one behind them, (rows, features + 1), question by question."""

    def __init__(self, lists: Sequence[Listed], pairs: Sequence[Pair]) -> None:
        groups = [(number, group) for number, one in enumerate(lists) for group in one.groups]
        self.features = np.concatenate([np.c_[group.features, np.ones(len(group.numbers))] for _, group in groups])
        self.labels = np.concatenate([labels for one in lists for labels in one.labels])
        self.question = np.concatenate([np.full(len(group.numbers), number) for number, group in groups])
        self.weights = np.array([one.weight for one in lists])
        of_pair = np.concatenate([np.full(len(group.numbers), pairs.index(group.pair)) for _, group in groups])
        self.places = [np.flatnonzero(of_pair == number) for number in range(len(pairs))]
        self.starts = np.flatnonzero(np.diff(self.question, prepend=-1))

    def scores(self, weights: Numbers) -> Numbers:
        """Return the score of every row; weights: (pairs, features + 1)."""
        scores = np.empty(len(self.features))
        for places, own in zip(self.places, weights, strict=True):
            scores[places] = self.features[places] @ own
        return scores


def fitted(lists: Sequence[Listed]) -> dict[Pair, PairModel]:
    """Return the models of the pairs in these lists; together they give one order and one scale of probability."""
    pairs = sorted({group.pair for one in lists for group in one.groups}, key=str)
    answered = _Rows([one for one in lists if any(labels.any() for labels in one.labels)], pairs)
    weights = _ordering(answered, len(pairs))
    everything = _Rows(lists, pairs)
    scores = everything.scores(weights)
    platt = LogisticRegression(C=1e3).fit(
        scores[:, None], everything.labels, sample_weight=everything.weights[everything.question]
    )
    slope, offset = float(platt.coef_[0][0]), float(platt.intercept_[0])
    return {
        pair: PairModel(slope * float(own[-1]) + offset, slope * own[:-1])
        for pair, own in zip(pairs, weights, strict=True)
    }


def _ordering(rows: _Rows, pairs: int) -> Numbers:
    """Return the weights, (pairs, features + 1), under which relevant passages are likeliest to be chosen."""
    hits = np.add.reduceat(rows.labels.astype(float), rows.starts)
    wanted = rows.labels / hits[rows.question]

    def loss(flat: Numbers) -> tuple[float, Numbers]:
        weights = flat.reshape(pairs, len(FEATURES) + 1)
        scores = rows.scores(weights)
        largest = np.maximum.reduceat(scores, rows.starts)
        chances = np.exp(scores - largest[rows.question])
        totals = np.add.reduceat(chances, rows.starts)
        chances /= totals[rows.question]
        missed = np.log(totals) + largest - np.add.reduceat(wanted * scores, rows.starts)
        pull = (chances - wanted) * rows.weights[rows.question]
        slope = np.stack([pull[places] @ rows.features[places] for places in rows.places])
        slope[:, :-1] += _RIDGE * weights[:, :-1]
        return float(rows.weights @ missed + 0.5 * _RIDGE * (weights[:, :-1] ** 2).sum()), slope.ravel()

    start = np.zeros(pairs * (len(FEATURES) + 1))
    return minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _STEPS}).x.reshape(pairs, -1)
