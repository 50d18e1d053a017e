"""The yardstick: PIQP on matrices written by hand, with its set-up, at its default accuracy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import piqp
from scipy import sparse

from services.optimizer.constraints import limits_of, matrix_of
from services.optimizer.standard_form import StandardForm


def raw_solver(form: StandardForm) -> Callable[[], Any]:
    """Return what sets PIQP up and solves: variables are weights, factors and purchases. Matrices are made before."""
    n, k = form.root.shape
    nothing = sparse.csc_matrix((n, n))
    quadratic = sparse.block_diag(
        [sparse.diags(form.goal.quadratic * form.specific**2), form.goal.quadratic * sparse.eye(k), nothing], "csc"
    )
    linear = np.concatenate([-form.goal.linear, np.zeros(k + n)])
    factors = [form.root.T, -sparse.eye(k), sparse.csc_matrix((k, n))]
    equal = sparse.bmat([[np.ones((1, n)), None, None], factors], format="csc")
    rows = sparse.csc_matrix(matrix_of(form.rows, n))
    unequal = sparse.bmat(
        [
            [rows, sparse.csc_matrix((rows.shape[0], k)), None],
            [sparse.eye(n), None, -sparse.eye(n)],
            [None, None, np.ones((1, n))],
        ],
        format="csc",
    )
    right = np.concatenate([limits_of(form.rows), form.current, [form.max_turnover or 1.0]])
    lower = np.concatenate([form.lower, np.full(k, -np.inf), np.zeros(n)])
    upper = np.concatenate([form.upper, np.full(k + n, np.inf)])
    budget = np.append(1.0, np.zeros(k))

    def solve() -> Any:
        solver = piqp.SparseSolver()
        solver.setup(quadratic, linear, equal, budget, unequal, None, right, lower, upper)
        solver.solve()
        return solver.result

    return solve
