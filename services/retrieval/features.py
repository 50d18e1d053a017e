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
)


@dataclass(frozen=True)
class Evidence:
    """What the searches say about some passages, each (passages,).

    cosines: with the question; zero where no encoder knows both languages.
    shares:  of the question's words.
    """

    cosines: NDArray[np.float32]
    shares: NDArray[np.float32]


def features_of(evidence: Evidence, passages: list[Passage], named: frozenset[str]) -> NDArray[np.float64]:
    """Return the features, (passages, len(FEATURES)). named: ids of the products that the question names."""
    cosines, shares = evidence.cosines.astype(np.float64), evidence.shares.astype(np.float64)
    products = [passage.document.product_id for passage in passages]
    own = np.array([product in named for product in products], dtype=np.float64)
    other = np.array([bool(named and product and product not in named) for product in products], dtype=np.float64)
    return np.column_stack([cosines, shares, cosines * shares, own, other])
