"""What is known of a passage with respect to a question, as numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# What fuses meaning and words. None of the columns depends on what else is in the index, but for how rare a word is and
# how long passages are on average: a document that is added cannot move the others among themselves by what it says.
FUSION = ("cosine", "words", "cosine_words")
# What reranks: the products that the question names, with weights of their own for meaning and words in such questions,
# and the questions that a passage is known to answer.
FEATURES = (
    *FUSION,
    "product_named",
    "other_product_named",
    "named_cosine",
    "named_words",
    "question_cosine",
    "question_words",
    "expanded_words",
)
# The columns from here on say nothing of passages without known questions.
FIRST_OF_QUESTIONS = FEATURES.index("question_cosine")


@dataclass(frozen=True)
class Evidence:
    """What the searches say about some passages, each (passages,).

    cosines: with the question; zero where no encoder knows both languages.
    shares:  of the question's words.
    is_named, is_other: whether it is about a product that the question names, and about another while one is named.
    question_cosines, question_shares: the largest over the questions that the passage is known to answer, in the
             language of the one that was asked; zero without any.
    expanded_shares: of the question's words, in the passage with all its known questions appended (document expansion,
             Nogueira, Yang, Lin and Cho 2019).
    names_product: whether the question names one.
    """

    cosines: NDArray[np.float32]
    shares: NDArray[np.float32]
    is_named: NDArray[np.bool_]
    is_other: NDArray[np.bool_]
    question_cosines: NDArray[np.float32]
    question_shares: NDArray[np.float32]
    expanded_shares: NDArray[np.float32]
    names_product: bool = False


def features_of(evidence: Evidence) -> NDArray[np.float64]:
    """Return the features, (passages, len(FEATURES))."""
    features = np.zeros((len(evidence.cosines), len(FEATURES)))
    cosines, shares = evidence.cosines.astype(np.float64), evidence.shares.astype(np.float64)
    columns = (cosines, shares, cosines * shares, evidence.is_named, evidence.is_other)
    for number, column in enumerate(columns):
        features[:, number] = column
    if evidence.names_product:
        features[:, len(columns)], features[:, len(columns) + 1] = cosines, shares
    features[:, FIRST_OF_QUESTIONS] = evidence.question_cosines
    features[:, FIRST_OF_QUESTIONS + 1] = evidence.question_shares
    features[:, FIRST_OF_QUESTIONS + 2] = evidence.expanded_shares
    return features
