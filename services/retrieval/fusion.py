"""Join what meaning and what words say about a passage into one score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Two measurements with the embedded model. nDCG@10 on 240 questions over 1,410 paragraphs of TAT-QA (financial
# reports, whose questions repeat the words of their answers): words alone 0.797, meaning alone 0.704, this sum 0.814
# at 0.5, 0.817 at 0.6, 0.812 at 0.7, 0.800 at 0.8; reciprocal rank fusion at equal weights 0.788. Mean reciprocal
# rank on 24 questions in plain words over the knowledge base: words alone 0.54, meaning alone 0.71, this sum 0.65 at
# 0.6, 0.69 at 0.7, 0.74 at 0.8.
DENSE_WEIGHT = 0.7

# Scores closer than this are ties: a vector differs in its last bits with the company it is computed in.
_DECIMALS = 6


def fuse(
    cosines: NDArray[np.float32], word_scores: NDArray[np.float32], best_word_score: float, dense_weight: float
) -> NDArray[np.float64]:
    """Return the weighted sum of cosines and of word scores relative to the best one, (passages,).

    best_word_score: the highest among all passages that may be returned; 0 where no word is shared.
    """
    relative = word_scores / best_word_score if best_word_score > 0 else np.zeros_like(word_scores)
    fused = dense_weight * cosines.astype(np.float64) + (1.0 - dense_weight) * relative.astype(np.float64)
    return np.round(fused, _DECIMALS)
