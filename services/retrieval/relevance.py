"""How likely a passage answers a question: a linear model over features, learned from judged questions.

Source: order by listwise softmax, Cao and others (2007); its scale of log-odds, Platt (1999).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.retrieval.features import FEATURES
from services.retrieval.scope import Scope

# Scores closer than this are ties: a vector differs in its last bits with the company it is computed in.
_DECIMALS = 6


@dataclass(frozen=True)
class Pair:
    """What a model is for: questions in one language over passages in one, with known questions or without."""

    asked: str
    written: str
    has_questions: bool


@dataclass(frozen=True)
class PairModel:
    """The model for one kind of pair: log-odds = intercept + weights . features."""

    intercept: float
    weights: NDArray[np.float64]

    def log_odds(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log-odds of relevance, (passages,), for features (passages, features)."""
        return np.round(self.intercept + features @ self.weights, _DECIMALS)


# For encoders that no model was learned for: meaning before words, and a named product before everything. Its values
# are an order and no probabilities.
_ORDER = {"cosine": 0.7, "words": 0.3, "product_named": 1.0, "question_cosine": 0.7, "question_words": 0.3}
_UNTAUGHT = PairModel(0.0, np.array([_ORDER.get(feature, 0.0) for feature in FEATURES]))


@dataclass(frozen=True)
class RelevanceModel:
    """Models by kind of pair.

    threshold: relevance below which a passage is left out unless a request says otherwise, 0 to 1.
    encoders:  names of the encoders whose cosines it was learned from; empty: not learned, and its relevance is only
               an order.
    scope:     of questions; None where nothing was learned of it.
    digest:    SHA-256 of the file it was read from, in hex; empty: not read from one.
    """

    pairs: Mapping[Pair, PairModel]
    threshold: float
    encoders: tuple[str, ...]
    scope: Scope | None = None
    digest: str = ""

    def log_odds(self, pair: Pair, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log-odds for passages of one kind of pair, (passages,)."""
        return self.pairs.get(pair, _UNTAUGHT).log_odds(features)


UNTAUGHT = RelevanceModel({}, threshold=0.0, encoders=())


def probability(log_odds: float) -> float:
    """Return the probability of log-odds."""
    return float(1.0 / (1.0 + np.exp(-log_odds)))


def read_model(file: Path) -> RelevanceModel:
    """Return the model that `python -m benchmarks.retrieval.learn` wrote. Raises ValueError where it is another's."""
    read = file.read_bytes()
    content = json.loads(read)
    if tuple(content["features"]) != FEATURES:
        raise ValueError(f"{file} was learned from other features; run: python -m benchmarks.retrieval.learn")
    pairs = {
        Pair(one["asked"], one["written"], one["has_questions"]): PairModel(one["intercept"], np.array(one["weights"]))
        for one in content["pairs"]
    }
    threshold, encoders, scope = float(content["threshold"]), tuple(content["encoders"]), _scope(content["scope"])
    return RelevanceModel(pairs, threshold, encoders, scope, hashlib.sha256(read).hexdigest())


def _scope(content: Mapping[str, Any] | None) -> Scope | None:
    if content is None:
        return None
    return Scope(content["encoder"], content["intercept"], np.array(content["weights"]))
