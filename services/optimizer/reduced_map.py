"""The compiled map from a problem's parameters to PIQP's matrices, by cvxpy, and the call of PIQP.

cvxpy keeps the map from parameters to the solver's data as one sparse matrix. A request fills the vector of
parameters, multiplies once, leaves out what came to zero and calls the solver by its own interface, with its set-up:
nothing but the map passes from one request to the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cvxpy
import numpy as np
import piqp
from scipy import sparse

from services.optimizer.moments import Matrix, Vector

# cvxpy's own types leave out most of its functions.
cp: Any = cvxpy


@dataclass(frozen=True)
class QuadraticShape:
    """Padded numbers of products and limits, and the number of factors."""

    products: int
    factors: int
    rows: int


@dataclass(frozen=True, eq=False)
class Numbers:
    """The parameters of a problem in their padded places: n products, m rows, k factors.

    curvature, lower, upper: (n,), of the weights.  linear, free, bought: (n,).  root: (k, n).  rows: (m, n).
    limits:  of the first rows, those that the problem has.
    current: of the first products, those whose purchases are variables; there may be none.
    """

    curvature: Vector
    lower: Vector
    upper: Vector
    linear: Vector
    free: Vector
    budget: float
    root: Matrix
    common_fixed: Vector
    rows: Matrix
    limits: Vector
    bought: Vector
    max_turnover: float
    purchase_cost: float
    current: Vector


# The fields that cvxpy knows as parameters, in the order of its vector. The others are PIQP's data as they stand:
# cvxpy cannot have bounds as parameters beside parametrised products, an infinite right-hand side spoils a product of
# matrices, and a parameter on the diagonal takes 4 s to compile at 1,024 products.
_PARAMETERS = ("linear", "purchase_cost", "free", "root", "rows", "bought")


class ReducedMap:
    """The map for one shape."""

    def __init__(self, shape: QuadraticShape) -> None:
        n, k, m = shape.products, shape.factors, shape.rows
        self._shape = shape
        self._parameters: dict[str, Any] = {}
        program = self._compiled()
        self._vector = np.zeros(program.total_param_size + 1)
        self._vector[-1] = 1.0
        self._places = [(name, self._place(program, parameter)) for name, parameter in self._parameters.items()]
        rows, starts, maps = _entries(program)
        columns = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        equal, unequal = (np.flatnonzero(part & (columns < n + k + n)) for part in (rows <= k, rows > k))
        self._linear = program.q.tocsr()[: n + k + n]
        # cvxpy's cone is b - A x >= 0 with the signs of A turned.
        self._map = sparse.vstack([self._linear, maps[equal], -maps[unequal]], format="csr")
        self._entries = _Entries(
            (rows[equal], rows[unequal] - 1 - k), (columns[equal], columns[unequal]), n + k + n, tail=m
        )
        self._diagonal = np.repeat([1.0, 1.0, 0.0], [n, k, n])
        self._quadratic = sparse.csc_matrix((0, 0))
        self._unbounded = np.full(k + n, np.inf)
        self._lowest = np.repeat([-np.inf, 0.0], [k, n])

    def solve(self, numbers: Numbers, options: dict[str, Any]) -> Any:
        """Return PIQP's result: x over weights, factors and purchases; z_u over rows, turnover and purchases."""
        for name, place in self._places:
            place[...] = getattr(numbers, name)
        n, k, bought = self._shape.products, self._shape.factors, len(numbers.current)
        width = n + k + bought
        values = self._map @ self._vector
        linear = values[:width]
        equal, unequal = self._entries.matrices(values[n + k + n :], 1 + k, len(numbers.limits), 1 + bought, width)
        solver = piqp.SparseSolver()
        for option, value in options.items():
            setattr(solver.settings, option, value)
        solver.setup(
            self._diagonal_matrix(numbers.curvature, width),
            linear,
            equal,
            np.concatenate([[numbers.budget], numbers.common_fixed]),
            unequal,
            None,
            np.concatenate([numbers.limits, [numbers.max_turnover], numbers.current]),
            np.concatenate([numbers.lower, self._lowest[: k + bought]]),
            np.concatenate([numbers.upper, self._unbounded[: k + bought]]),
        )
        solver.solve()
        return solver.result

    def _diagonal_matrix(self, curvature: Vector, width: int) -> sparse.csc_matrix:
        self._diagonal[: self._shape.products] = curvature
        places = np.arange(width + 1, dtype=np.int32)
        self._quadratic = _filled(self._quadratic, self._diagonal[:width], places[:-1], places, (width, width))
        return self._quadratic

    def _place(self, program: Any, parameter: Any) -> Any:
        """Return the view on the vector of parameters that holds this one."""
        start = program.param_id_to_col[parameter.id]
        return self._vector[start : start + parameter.size].reshape(parameter.shape, order="F")

    def _compiled(self) -> Any:
        """Return cvxpy's program. Right-hand sides, bounds and the curvature of the weights are left out."""
        n, k, m = self._shape.products, self._shape.factors, self._shape.rows
        for name, shape in zip(_PARAMETERS, ((n,), (), (n,), (k, n), (m, n), (n,)), strict=True):
            self._parameters[name] = cp.Parameter(shape, name=name, value=np.zeros(shape))
        linear, purchase_cost, free, root, rows, bought = self._parameters.values()
        w, common, purchases = cp.Variable(n), cp.Variable(k), cp.Variable(n)
        cost = 0.5 * (cp.sum_squares(w) + cp.sum_squares(common)) - linear @ w + purchase_cost * cp.sum(purchases)
        limits = [
            free @ w == 0.0,
            root @ w - common == 0.0,
            rows @ w <= 0.0,
            bought @ w + cp.sum(purchases) <= 0.0,
            w - purchases <= 0.0,
        ]
        problem = cp.Problem(cp.Minimize(cost), limits)
        if not problem.is_dcp(dpp=True):
            raise AssertionError("the template breaks cvxpy's rules for parametrised problems")
        program = problem.get_problem_data("PIQP")[0]["param_prob"]
        columns = [program.var_id_to_col[variable.id] for variable in (w, common, purchases)]
        if columns != [0, n, n + k] or [limit.id for limit in limits] != [limit.id for limit in program.constraints]:
            raise AssertionError("cvxpy compiled the template in an unknown order")
        return program


class _Entries:
    """Where the entries of the matrices of equations and of inequalities stand, by column, the former first.

    Inequalities before `tail` are padded, as are the last ones.
    """

    def __init__(
        self, rows: tuple[np.ndarray, np.ndarray], columns: tuple[np.ndarray, np.ndarray], width: int, tail: int
    ) -> None:
        self._rows = np.concatenate(rows).astype(np.int32)
        # The place within the tail; what is not in it is always within.
        self._place = np.concatenate([np.full(len(rows[0]), -1), rows[1] - tail]).astype(np.int32)
        self._in_tail = (self._place >= 0).astype(np.int32)
        self._tail = tail
        self._count = len(rows[0])
        edges = np.arange(width + 1)
        self._equal, self._unequal = np.searchsorted(columns[0], edges), np.searchsorted(columns[1], edges)
        self._unequal += self._count
        self._before = np.zeros(len(self._rows) + 1, dtype=np.int32)
        self._matrices = sparse.csc_matrix((0, 0)), sparse.csc_matrix((0, 0))

    def matrices(
        self, values: Vector, equations: int, head: int, tail: int, width: int
    ) -> tuple[sparse.csc_matrix, sparse.csc_matrix]:
        """Return both matrices without the zeros of padding and of other products; `head` and `tail` inequalities."""
        kept = (values != 0.0) & (self._place < tail)
        kept[self._unequal[width] :] = False
        kept.cumsum(out=self._before[1:])
        rows = (self._rows - (self._tail - head) * self._in_tail)[kept]
        values, middle = values[kept], self._before[self._count]
        starts = self._before[self._unequal[: width + 1]] - middle
        self._matrices = (
            _filled(
                self._matrices[0],
                values[:middle],
                rows[:middle],
                self._before[self._equal[: width + 1]],
                (equations, width),
            ),
            _filled(self._matrices[1], values[middle:], rows[middle:], starts, (head + tail, width)),
        )
        return self._matrices


def _filled(
    matrix: sparse.csc_matrix, values: Vector, rows: np.ndarray, starts: np.ndarray, shape: tuple[int, int]
) -> sparse.csc_matrix:
    """Return a matrix of these parts: the last one where its shape fits. scipy's constructor takes 0.03 ms."""
    if matrix.shape != shape:
        matrix = sparse.csc_matrix(shape)
    matrix.data, matrix.indices, matrix.indptr = values, rows, starts
    return matrix


def _entries(program: Any) -> tuple[np.ndarray, np.ndarray, Any]:
    """Return rows and column starts of cvxpy's constraint matrix, and the map that gives its entries."""
    program.reduced_A.cache()
    rows, starts, _ = program.reduced_A.problem_data_index
    return np.asarray(rows), np.asarray(starts), program.reduced_A.reduced_mat
