"""How far chosen limits of a request must give way while all others are kept, curved ones included: one cone program.

minimise    sum of price * u, or the goal of the standard form where nothing gives way
subject to  sum(w) = 1, lower <= w <= upper, G w <= g, purchases of at most t, as in the standard form
            |S^(1/2) (w - b)| <= v + u                    volatility (b = 0) and tracking error
            z + sum(e) / ((1 - confidence) S) <= L + u    loss, with e >= -R w - z, e >= 0 for scenarios that matter
            a' w <= r + u                                 a linear limit that gives way

where u is zero for a limit that is kept. Source: Rockafellar and Uryasev (2000) for the loss. Clarabel solves it;
whether it did is judged here, from residuals, gap and the membership in the cones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import clarabel
import numpy as np
from scipy import sparse

from services.optimizer.constraints import MAX_TURNOVER, Row
from services.optimizer.moments import Matrix, Vector
from services.optimizer.standard_form import StandardForm
from shared.errors import SolutionRefused

# What a solution may miss the conditions by, on a program of order one.
_TOLERANCE = 1e-6
_ACCURACY = 1e-8
# Scenarios that take part at first and that join, as multiples of those in the tail.
_FIRST, _JOIN = 1.2, 1.4
_ROUNDS = 12
_SMALLEST_PRICE = 1e-6


@dataclass(frozen=True, eq=False)
class Deviation:
    """A limit on sqrt((w - b)' S (w - b)), in units of the form's scale.  benchmark: b, (n,).

    price: of giving way by one; None: it is kept.  is_free: the bound may also fall below `limit`.
    """

    limit: float
    benchmark: Vector
    price: float | None = None
    is_free: bool = False


@dataclass(frozen=True, eq=False)
class Loss:
    """A limit on the mean loss in the worst 1 - confidence of `returns`, (S, n)."""

    limit: float
    confidence: float
    returns: Matrix
    price: float | None = None
    is_free: bool = False


@dataclass(frozen=True, eq=False)
class Linear:
    """A linear limit that gives way at this price; it is not among those of the form."""

    row: Row
    price: float | None = 1.0
    is_free: bool = False

    @property
    def limit(self) -> float:
        """The right-hand side."""
        return self.row.limit


Limit = Deviation | Loss | Linear


@dataclass(frozen=True, eq=False)
class Given:
    """How far each limit gives way, in their order and own units, the weights (n,), and what keeps it from less.

    lower, upper: multipliers of the bounds, (n,).  rows: of the form's rows.  turnover: of its turnover limit.
    shares: of each scenario in the loss, (S,), as the multipliers have it; None where there is none.
    """

    by: tuple[float, ...]
    weights: Vector
    lower: Vector
    upper: Vector
    rows: Vector
    turnover: float
    shares: Vector | None = None


def given_way(
    form: StandardForm, limits: Sequence[Limit], near: Sequence[Vector] = (), has_goal: bool = False
) -> Given | None:
    """Return the least way to give, or None where the limits that are kept contradict each other.

    near: weights, (n,) each, whose bad scenarios take part from the start.  has_goal: whether the form's goal counts.
    Raises SolutionRefused.
    """
    losses = [limit for limit in limits if isinstance(limit, Loss)]
    if not losses:
        return _solved(form, limits, {}, has_goal)
    start = list(near) or [np.full(len(form.lower), 1.0 / len(form.lower))]
    joined = {id(loss): np.unique(np.concatenate([_worst(loss, w, _FIRST) for w in start])) for loss in losses}
    for _ in range(_ROUNDS):
        found = _solved(form, limits, joined, has_goal)
        if found is None:
            return None
        missing = {id(loss): np.setdiff1d(_worst(loss, found.weights, 1.0), joined[id(loss)]) for loss in losses}
        if not any(map(len, missing.values())):
            return found
        joined = {id(s): np.union1d(joined[id(s)], _worst(s, found.weights, _JOIN)) for s in losses}
    raise SolutionRefused(f"which scenarios matter is not settled after {_ROUNDS} programs")


def _worst(loss: Loss, weights: Vector, multiple: float) -> np.ndarray:
    """Return the positions of the scenarios that are worst for these weights."""
    total = len(loss.returns)
    count = min(int(np.ceil(multiple * (1.0 - loss.confidence) * total)) + 1, total)
    return np.asarray(np.argpartition(loss.returns @ weights, count - 1)[:count])


class _Rows:
    """Rows of A x + s = b, cone by cone."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self.blocks: list[Any] = []
        self.right: list[Vector] = []
        self.cones: list[Any] = []
        self.count = 0

    def add(self, right: Vector, cone: Any, **parts: Any) -> slice:
        """Add rows.  parts: coefficients by the first column that they are for, named c<column>."""
        placed = [(int(name[1:]), sparse.coo_matrix(part)) for name, part in parts.items()]
        data = np.concatenate([part.data for _, part in placed])
        rows = np.concatenate([part.row for _, part in placed])
        columns = np.concatenate([part.col + first for first, part in placed])
        self.blocks.append(sparse.csc_matrix((data, (rows, columns)), shape=(len(right), self._columns)))
        self.right.append(right)
        self.cones.append(cone)
        self.count += len(right)
        return slice(self.count - len(right), self.count)


def _solved(form: StandardForm, limits: Sequence[Limit], joined: dict[int, np.ndarray], has_goal: bool) -> Given | None:
    n = len(form.lower)
    buys = form.has_purchases or any(isinstance(s, Linear) and s.row.field == MAX_TURNOVER for s in limits)
    purchases, first = n, n * (2 if buys else 1)
    gives, scenarios = first, first + len(limits)
    columns = scenarios + sum(1 + len(each) for each in joined.values())
    table = _Rows(columns)
    eye, below = sparse.identity(n), clarabel.NonnegativeConeT
    table.add(np.ones(1), clarabel.ZeroConeT(1), c0=np.ones((1, n)))
    lower = table.add(-form.lower, below(n), c0=-eye)
    capped = np.flatnonzero(form.upper < 1.0)
    upper = table.add(form.upper[capped], below(len(capped)), c0=eye.tocsr()[capped]) if len(capped) else slice(0, 0)
    rows = table.add(form.row_limits, below(len(form.rows)), c0=form.row_matrix) if form.rows else slice(0, 0)
    turnover = slice(0, 0)
    if buys:
        table.add(form.current, below(n), c0=eye, **{f"c{purchases}": -eye})
        table.add(np.zeros(n), below(n), **{f"c{purchases}": -eye})
        if form.max_turnover is not None:
            turnover = table.add(np.array([form.max_turnover]), below(1), **{f"c{purchases}": np.ones((1, n))})
    cost, risk, tails = np.zeros(columns), None, list[slice]()
    if has_goal:
        cost[:n] = -form.goal.linear
        cost[purchases:first] = form.goal.purchase_cost
        risk = form.goal.quadratic * (form.root @ form.root.T + np.diag(form.specific_variances))
    units = np.ones(len(limits))
    for place, limit in enumerate(limits):
        give = gives + place
        if limit.price is None:
            table.add(np.zeros(1), clarabel.ZeroConeT(1), **{f"c{give}": np.ones((1, 1))})
        else:
            cost[give] = limit.price
            if not limit.is_free:
                table.add(np.zeros(1), below(1), **{f"c{give}": -np.ones((1, 1))})
        if isinstance(limit, Deviation):
            _add_deviation(table, form, limit, give)
        elif isinstance(limit, Linear):
            at = purchases if limit.row.field == MAX_TURNOVER else 0
            parts = {f"c{at}": limit.row.coefficients[None, -n:], f"c{give}": -np.ones((1, 1))}
            table.add(np.array([limit.limit]), below(1), **parts)
        else:
            tails.append(slice(table.count, table.count + len(joined[id(limit)])))
            units[place] = _add_loss(table, limit, joined[id(limit)], give, scenarios)
            cost[give] *= units[place]
            scenarios += 1 + len(joined[id(limit)])
    unit = float(np.abs(cost).max()) or 1.0
    point = _point(cost / unit, None if risk is None else risk / unit, table)
    if point is None:
        return None
    x, z = point
    above = np.zeros(n)
    above[capped] = z[upper]
    return Given(
        by=tuple((x[gives : gives + len(limits)] * units).tolist()),
        weights=x[:n],
        lower=z[lower],
        upper=above,
        rows=z[rows],
        turnover=float(z[turnover].sum()),
        shares=_shares(limits, joined, z, tails),
    )


def _shares(limits: Sequence[Limit], joined: dict[int, np.ndarray], z: Vector, tails: list[slice]) -> Vector | None:
    losses = [limit for limit in limits if isinstance(limit, Loss)]
    if not losses:
        return None
    shares = np.zeros(len(losses[0].returns))
    shares[joined[id(losses[0])]] = np.maximum(z[tails[0]], 0.0)
    total = float(shares.sum())
    return shares / total if total > _SMALLEST_PRICE else None


def _add_deviation(table: _Rows, form: StandardForm, limit: Deviation, give: int) -> None:
    count, factors = form.root.shape
    matrix = sparse.vstack([sparse.csr_matrix((1, count)), -form.root.T, -sparse.diags(form.specific)])
    right = np.concatenate([[limit.limit], -form.root.T @ limit.benchmark, -form.specific * limit.benchmark])
    raised = sparse.csr_matrix(([-1.0], ([0], [0])), shape=(len(right), 1))
    table.add(right, clarabel.SecondOrderConeT(1 + factors + count), c0=matrix, **{f"c{give}": raised})


def _add_loss(table: _Rows, limit: Loss, chosen: np.ndarray, give: int, level: int) -> float:
    """Add the rows of the loss, in a unit that is returned, so that they are of order one."""
    size, unit = len(chosen), float(np.abs(limit.returns).mean()) or 1.0
    most = 1.0 / ((1.0 - limit.confidence) * len(limit.returns))
    below, eye = clarabel.NonnegativeConeT, sparse.identity(size)
    excess = level + 1
    parts = {"c0": -limit.returns[chosen] / unit, f"c{level}": -np.ones((size, 1)), f"c{excess}": -eye}
    table.add(np.zeros(size), below(size), **parts)
    table.add(np.zeros(size), below(size), **{f"c{excess}": -eye})
    mean = {f"c{level}": np.ones((1, 1)), f"c{excess}": np.full((1, size), most), f"c{give}": -np.ones((1, 1))}
    table.add(np.array([limit.limit / unit]), below(1), **mean)
    return unit


def _point(cost: Vector, risk: Matrix | None, table: _Rows) -> tuple[Vector, Vector] | None:
    """Return an optimum and its multipliers, None where there is none. Raises SolutionRefused if neither is proven."""
    matrix, right = sparse.vstack(table.blocks, format="csc"), np.concatenate(table.right)
    curvature = sparse.csc_matrix((len(cost), len(cost)))
    if risk is not None:
        curvature = sparse.block_diag([sparse.csc_matrix(risk), curvature[len(risk) :, len(risk) :]], "csc")
    upper = sparse.triu(curvature, format="csc")
    found = clarabel.DefaultSolver(upper, cost, matrix, right, table.cones, _settings()).solve()
    x, z = np.array(found.x), np.array(found.z)
    if "Infeasible" in str(found.status):
        size = float(-right @ z)
        off = max(float(np.abs(matrix.T @ z).max()), _outside(z, table, is_dual=True))
        if size > 0.0 and off <= _TOLERANCE * size:
            return None
    bent = curvature @ x
    slack, stationary = right - matrix @ x, bent + matrix.T @ z + cost
    gap = abs(float(bent @ x + cost @ x + right @ z))
    off = max(_outside(slack, table), _outside(z, table, is_dual=True), float(np.abs(stationary).max()), gap)
    if not off <= _TOLERANCE * max(1.0, abs(float(cost @ x))):
        raise SolutionRefused(f"Clarabel: {found.status}, residuals of {off:.1e} are above {_TOLERANCE:g}")
    return x, z


def _settings() -> Any:
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = _ACCURACY
    # The supernodal method takes four times the CPU on programs of this size, in several threads.
    settings.direct_solve_method, settings.max_threads = "qdldl", 1
    return settings


def _outside(values: Vector, table: _Rows, is_dual: bool = False) -> float:
    """Return how far the values are from the cones."""
    worst, first = 0.0, 0
    for cone, right in zip(table.cones, table.right, strict=True):
        part = values[first : first + len(right)]
        first += len(right)
        if isinstance(cone, clarabel.ZeroConeT):
            worst = worst if is_dual else max(worst, float(np.abs(part).max()))
        elif isinstance(cone, clarabel.SecondOrderConeT):
            worst = max(worst, float(np.linalg.norm(part[1:]) - part[0]))
        else:
            worst = max(worst, -float(part.min()))
    return worst
