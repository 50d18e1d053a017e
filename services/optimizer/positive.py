"""A covariance that is not positive semidefinite, and the nearest one that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from services.optimizer.moments import Matrix

# Repairs above this, relative in the Frobenius norm, are refused: what was sent is then not an estimate with noise.
LARGEST_REPAIR = 0.05
# Eigenvalues of correlations above this below zero are the rounding of their digits.
_ROUNDING = 1e-10
_SETTLED = 1e-9
_MOST_STEPS = 1_000


@dataclass(frozen=True, eq=False)
class Repaired:
    """root: (n, n) with root root' the covariance. distance: to what was sent, relative in the Frobenius norm."""

    root: Matrix
    distance: float


def repaired(covariance: Matrix) -> Repaired:
    """Return the root of the covariance, or of the nearest one with the same variances that has one.

    covariance: (n, n), symmetric, variances at least zero.
    Source: Higham (2002), Computing the nearest correlation matrix, algorithm 3.3.
    """
    deviations = np.sqrt(np.diagonal(covariance))
    scale = np.where(deviations > 0.0, deviations, 1.0)
    correlation = covariance / np.outer(scale, scale)
    root, failed = lapack.dpotrf(correlation, lower=1, clean=1)
    if not failed:
        # A triangular root is the quickest to find and has half the numbers for a solver to go through.
        return Repaired(scale[:, None] * root, 0.0)
    values, vectors = np.linalg.eigh(correlation)
    if len(values) == 0 or values[0] >= -_ROUNDING:
        return Repaired(scale[:, None] * vectors * np.sqrt(np.maximum(values, 0.0)), 0.0)
    nearest = nearest_correlation(correlation)
    values, vectors = np.linalg.eigh(nearest)
    distance = np.linalg.norm((nearest - correlation) * np.outer(scale, scale)) / np.linalg.norm(covariance)
    return Repaired(scale[:, None] * vectors * np.sqrt(np.maximum(values, 0.0)), float(distance))


def nearest_correlation(matrix: Matrix) -> Matrix:
    """Return the positive semidefinite matrix with the same diagonal that is nearest in the Frobenius norm.

    Alternating projections with Dykstra's correction. Source: Higham (2002), algorithm 3.3.
    """
    diagonal = np.diagonal(matrix).copy()
    best, correction = matrix.copy(), np.zeros_like(matrix)
    for _ in range(_MOST_STEPS):
        shifted = best - correction
        values, vectors = np.linalg.eigh(shifted)
        positive = (vectors * np.maximum(values, 0.0)) @ vectors.T
        correction = positive - shifted
        before, best = best, positive.copy()
        np.fill_diagonal(best, diagonal)
        if np.linalg.norm(best - before) <= _SETTLED * np.linalg.norm(best):
            break
    return positive
