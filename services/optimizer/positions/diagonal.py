"""As much of a covariance as can stand on its diagonal: the rest stays positive semidefinite.

What stands alone for each product makes the bounds of a search over supports tight (Frangioni and Gentile 2006,
perspective cuts; 2007, SDP diagonalizations). In factor form the own variances stand there already. A dense
covariance is split by the barrier method for: maximise sum(d_i / S_ii) with S - diag(d) positive semidefinite.
"""

from __future__ import annotations

import numpy as np

from services.optimizer.moments import Matrix, Vector

# A covariance over more factors than this share of the products counts as dense.
_DENSE = 0.8
# The barrier needs an inverse for each step; above this many products the smallest eigenvalue has to do.
_LARGEST = 150
_STEPS = 40
_WEIGHTS = (1e-1, 1e-2, 1e-3, 1e-4)
_INSIDE = 1e-9


def separated(root: Matrix, specific: Vector) -> tuple[Matrix, Vector]:
    """Return another root and other own volatilities of the same covariance, with more in the latter."""
    count, factors = root.shape
    if factors < _DENSE * count or count < 2:
        return root, specific
    deviations = np.sqrt(np.einsum("ij,ij->i", root, root)) + _INSIDE
    correlation = (root @ root.T) / np.outer(deviations, deviations)
    share = _largest_diagonal(correlation)
    values, vectors = np.linalg.eigh(correlation - np.diag(share))
    # What rounding made negative is taken back from every product alike.
    share = np.maximum(share + min(float(values[0]), 0.0) - _INSIDE, 0.0)
    values, vectors = np.linalg.eigh(correlation - np.diag(share))
    rest = deviations[:, None] * vectors * np.sqrt(np.maximum(values, 0.0))
    return rest, np.sqrt(specific**2 + share * deviations**2)


def _largest_diagonal(correlation: Matrix) -> Vector:
    """Return d, at least zero, with a large sum and correlation - diag(d) positive semidefinite."""
    count = len(correlation)
    smallest = max(float(np.linalg.eigvalsh(correlation)[0]), 0.0)
    found = np.full(count, 0.9 * smallest)
    if smallest < _INSIDE or count > _LARGEST:
        return found
    for weight in _WEIGHTS:
        for _ in range(_STEPS):
            inverse = np.linalg.inv(correlation - np.diag(found))
            slope = 1.0 - weight * np.diag(inverse) + weight * smallest / found
            bend = weight * (inverse * inverse + np.diag(smallest / found**2))
            step = np.asarray(np.linalg.solve(bend, slope), dtype=float)
            if float(step @ slope) < weight * _INSIDE:
                break
            found = _inside(correlation, found, step)
    return found


def _inside(correlation: Matrix, found: Vector, step: Vector) -> Vector:
    """Return the point as far along the step as the matrix stays positive definite and the point above zero."""
    length = 1.0
    while length > _INSIDE:
        trial = found + length * step
        if trial.min() > 0.0:
            try:
                np.linalg.cholesky(correlation - np.diag(trial))
            except np.linalg.LinAlgError:
                pass
            else:
                return trial
        length *= 0.5
    return found
