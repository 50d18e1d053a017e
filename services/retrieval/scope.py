"""Whether a question is of a kind that the documents with known questions answer, told from its vector alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Scores closer than this are ties, as those of passages.
_DECIMALS = 6


@dataclass(frozen=True, eq=False)
class Scope:
    """A logistic model over the vector of a question: what is asked of live prices or of a kitchen is told apart.

    It knows no passage: it moves all passages with known questions alike, and never their order.

    encoder: the name of the one whose vectors it was learned from.  weights: (dimension,).
    """

    encoder: str
    intercept: float
    weights: NDArray[np.float64]

    def log_odds(self, vector: NDArray[np.float32]) -> float:
        """Return what the kind of question adds to the log-odds of relevance."""
        return round(self.intercept + float(self.weights @ vector), _DECIMALS)
