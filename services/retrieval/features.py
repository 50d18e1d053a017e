"""What is known of a passage with respect to a question, as numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.retrieval.passage import Passage

# The columns, in order. None depends on what else is in the index, but for how rare a word is: a document that is
# added cannot move the others among themselves.
FEATURES = (
    "cosine",
    "words",
    "cosine_words",
    "product_named",
    "other_product_named",
    "question_cosine",
    "question_words",
)


@dataclass(frozen=True)
class Evidence:
    """What the searches say about some passages, each (passages,).

    cosines: with the question; zero where no encoder knows both languages.
    shares:  of the question's words.
    question_cosines, question_shares: the largest over the questions that the passage is known to answer, in the
             language of the one that was asked; zero without any.
    """

    cosines: NDArray[np.float32]
    shares: NDArray[np.float32]
    question_cosines: NDArray[np.float32]
    question_shares: NDArray[np.float32]


def features_of(evidence: Evidence, passages: list[Passage], named: frozenset[str]) -> NDArray[np.float64]:
    """Return the features, (passages, len(FEATURES)). named: ids of the products that the question names."""
    cosines, shares = evidence.cosines.astype(np.float64), evidence.shares.astype(np.float64)
    own, other = _products(passages, named)
    asked = (evidence.question_cosines, evidence.question_shares)
    return np.column_stack([cosines, shares, cosines * shares, own, other, *asked])


def _products(passages: list[Passage], named: frozenset[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return which passages are about a named product, and which about another while one is named."""
    if not named:
        return np.zeros(len(passages)), np.zeros(len(passages))
    products = [passage.document.product_id for passage in passages]
    own = np.array([product in named for product in products], dtype=np.float64)
    other = np.array([product != "" and product not in named for product in products], dtype=np.float64)
    return own, other
