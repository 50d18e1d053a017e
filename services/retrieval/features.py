"""What is known of a passage with respect to a question, as numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
    is_named, is_other: whether it is about a product that the question names, and about another while one is named.
    question_cosines, question_shares: the largest over the questions that the passage is known to answer, in the
             language of the one that was asked; zero without any.
    """

    cosines: NDArray[np.float32]
    shares: NDArray[np.float32]
    is_named: NDArray[np.bool_]
    is_other: NDArray[np.bool_]
    question_cosines: NDArray[np.float32]
    question_shares: NDArray[np.float32]


def features_of(evidence: Evidence) -> NDArray[np.float64]:
    """Return the features, (passages, len(FEATURES))."""
    features = np.empty((len(evidence.cosines), len(FEATURES)))
    cosines, shares = evidence.cosines.astype(np.float64), evidence.shares.astype(np.float64)
    columns = (cosines, shares, cosines * shares, evidence.is_named, evidence.is_other)
    for number, column in enumerate((*columns, evidence.question_cosines, evidence.question_shares)):
        features[:, number] = column
    return features
