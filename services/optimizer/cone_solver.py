"""Clarabel on a cone program; whether it solved it is judged here, from residuals, gap and membership in the cones."""

from __future__ import annotations

from typing import Any

import clarabel
import numpy as np
from scipy import sparse

from services.optimizer.cone_table import ConeTable
from services.optimizer.moments import Matrix, Vector
from shared.errors import SolutionRefused

# What a solution may miss the conditions by, on a program of order one.
_TOLERANCE = 1e-6
_ACCURACY = 1e-8


def cone_optimum(cost: Vector, risk: Matrix | None, table: ConeTable) -> tuple[Vector, Vector] | None:
    """Return the x that minimises x' risk x / 2 + cost' x, and its multipliers; None where no x is in the cones.

    cost: (columns,).  risk: (k, k), of the first k columns.  Raises SolutionRefused if neither is proven.
    """
    matrix, right, curvature = table.matrix, table.right, _curvature(risk, len(cost))
    upper = sparse.triu(curvature, format="csc")
    found = clarabel.DefaultSolver(upper, cost, matrix, right, table.cones, _settings()).solve()
    x, z = np.array(found.x), np.array(found.z)
    if "Infeasible" in str(found.status) and _proves_contradiction(z, matrix, right, table):
        return None
    bent = curvature @ x
    stationary = bent + matrix.T @ z + cost
    gap = abs(float(bent @ x + cost @ x + right @ z))
    outside = max(table.outside(right - matrix @ x), table.outside(z, is_dual=True))
    off = max(outside, float(np.abs(stationary).max()), gap)
    if not off <= _TOLERANCE * max(1.0, abs(float(cost @ x))):
        raise SolutionRefused(f"Clarabel: {found.status}, residuals of {off:.1e} are above {_TOLERANCE:g}")
    return x, z


def _curvature(risk: Matrix | None, columns: int) -> Any:
    size = 0 if risk is None else len(risk)
    rest = sparse.csc_matrix((columns - size, columns - size))
    return rest if risk is None else sparse.block_diag([sparse.csc_matrix(risk), rest], "csc")


def _proves_contradiction(z: Vector, matrix: Any, right: Vector, table: ConeTable) -> bool:
    size = float(-right @ z)
    off = max(float(np.abs(matrix.T @ z).max()), table.outside(z, is_dual=True))
    return size > 0.0 and off <= _TOLERANCE * size


def _settings() -> Any:
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = _ACCURACY
    # The supernodal method takes four times the CPU on programs of this size, in several threads.
    settings.direct_solve_method, settings.max_threads = "qdldl", 1
    return settings
