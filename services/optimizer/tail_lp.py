"""The least loss in the worst scenarios as a linear program in HiGHS: the dual of Rockafellar and Uryasev's.

They minimise over weights w and one variable for each scenario. The dual has one row for each product, so that a
basis is as large as the portfolio and not as the scenarios:

maximise    -nu (1 - 1'l) - (g - G l)' z - (c - l)' pi - t tau - (u - l)' a + (k (-R'q) - m)' l
subject to  k (-R'q) - m + nu + G' z + pi + a >= 0     its multipliers are w - l
            0 <= q <= 1 / ((1 - confidence) S),  sum(q) = 1,  pi <= tau + c',  z, pi, tau, a >= 0

for a price k of the loss, expected returns m and a cost c' of purchases; k = 1 and m = 0 ask for the least loss. The
columns are nu, a, z, tau, pi and then q, for the scenarios that have joined.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from services.optimizer.moments import Matrix, Vector
from services.optimizer.tail_start import Places, Start
from services.optimizer.tails import mean_loss

_INFINITY = highspy.kHighsInf
# Presolve costs more than it saves (0.55 s against 0.3 s for 100 products over 2,500 scenarios), and so does scaling
# of numbers that are of order one already (0.34 s against 0.18 s).
_OPTIONS = {
    "output_flag": False,
    "threads": 1,
    "presolve": "off",
    "simplex_scale_strategy": 0,
    "primal_feasibility_tolerance": 1e-9,
    "dual_feasibility_tolerance": 1e-9,
}
# HiGHS's own choice, for a second attempt.
_SCALED = {"simplex_scale_strategy": 1}
_AT_LOWER, _BASIC = highspy.HighsBasisStatus.kLower, highspy.HighsBasisStatus.kBasic
# What joins beside the tail itself, as a multiple of it: fewer would be asked for again.
_JOIN = 1.5
# What a reference passes on: with fewer, most of those that start from it have to ask for more.
_NEAR = 2.4


@dataclass(frozen=True, eq=False)
class TailLimits:
    """What the weights must obey: bounds, (n,) both, matrix @ w <= right, and purchases from `current` of at most t.

    purchase_cost: in the goal, for each unit that is bought.
    """

    lower: Vector
    upper: Vector
    matrix: Matrix
    right: Vector
    current: Vector
    max_turnover: float | None
    purchase_cost: float = 0.0


@dataclass(frozen=True, eq=False)
class Values:
    """An optimum: weights (n,), the share of each scenario (S,), and the multipliers of the limits, see `Solution`."""

    weights: Vector
    shares: Vector
    gap: float
    budget: float
    lower: Vector
    upper: Vector
    rows: Vector
    purchases: Vector
    turnover: float


class TailProgram:
    """One program, made for one request: HiGHS keeps things from one run to the next that would change the path.

    returns: (S, n), R.  price: k.  expected: m, (n,).  Both are in units in which the larger is of order one.
    """

    def __init__(
        self, returns: Matrix, confidence: float, price: float, expected: Vector, limits: TailLimits, start: Start
    ) -> None:
        self._returns, self._confidence, self._price, self._limits = returns, confidence, price, limits
        self._most = 1.0 / ((1.0 - confidence) * len(returns))
        self._count = returns.shape[1]
        self._places = Places(self._count, len(limits.matrix), limits.max_turnover is not None)
        self._joined = start.joined
        self._expected = expected
        self._start = start

    def solve(self, is_scaled: bool = False) -> tuple[str, Values | None]:
        """Return HiGHS's status and, where all scenarios that matter have joined, the optimum."""
        self._model = self._fresh(is_scaled)
        while True:
            self._model.run()
            status = str(self._model.modelStatusToString(self._model.getModelStatus())).lower()
            if self._model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
                return status, None
            solution = self._model.getSolution()
            weights = self._limits.lower + np.array(solution.row_dual[: self._count])
            missing = np.setdiff1d(self._worst(weights, 1.0), self._joined)
            if len(missing) == 0:
                return status, self._values(weights, np.array(solution.col_value))
            self._join(np.setdiff1d(self._worst(weights, _JOIN), self._joined))

    def start(self, weights: Vector) -> Start:
        """Return where another program over the same scenarios may start, as this one has ended at `weights`."""
        basis, fixed = self._model.getBasis(), self._places.shares
        own, n = list(basis.col_status), self._count
        used = {int(s): status for s, status in zip(self._joined, own[fixed:], strict=True) if status != _AT_LOWER}
        joined = np.union1d(self._worst(weights, _NEAR), list(used)).astype(int)
        shares = tuple(used.get(int(scenario), _AT_LOWER) for scenario in joined)
        return Start(joined, tuple(own[: 1 + n]), shares, tuple(list(basis.row_status)[: n + 1]))

    def _worst(self, weights: Vector, multiple: float) -> np.ndarray:
        """Return the positions of the scenarios that are worst for these weights."""
        count = min(int(np.ceil(multiple / self._most)) + 1, len(self._returns))
        losses = self._returns @ weights
        return np.asarray(np.argpartition(losses, count - 1)[:count])

    def _fresh(self, is_scaled: bool) -> Any:
        model: Any = highspy.Highs()
        for option, value in {**_OPTIONS, **(_SCALED if is_scaled else {})}.items():
            model.setOptionValue(option, value)
        limits, n, places = self._limits, self._count, self._places
        lp: Any = highspy.HighsLp()
        lp.num_row_, lp.num_col_ = places.rows, places.shares
        room, left = limits.right - limits.matrix @ limits.lower, limits.upper - limits.lower
        cost = [np.array([1.0 - limits.lower.sum()]), left, room]
        if limits.max_turnover is not None:
            cost += [np.array([limits.max_turnover]), limits.current - limits.lower]
        lp.col_cost_ = np.concatenate(cost)
        lp.col_lower_ = np.append(-_INFINITY, np.zeros(places.shares - 1))
        lp.col_upper_ = np.full(places.shares, _INFINITY)
        buys = places.rows - n - 1
        lp.row_lower_ = np.concatenate([self._expected, [1.0], np.full(buys, -limits.purchase_cost)])
        lp.row_upper_ = np.concatenate([np.full(n, _INFINITY), [1.0], np.full(buys, _INFINITY)])
        start, index, value = places.columns(limits.matrix)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = start, index, value
        model.passModel(lp)
        self._joined = self._start.joined
        self._add(model, self._joined)
        if self._start.columns:
            between = places.shares - 1 - n
            basis = highspy.HighsBasis()
            basis.col_status = [*self._start.columns, *[_AT_LOWER] * between, *self._start.shares]
            basis.row_status = [*self._start.rows, *[_BASIC] * buys]
            # A basis from other limits may lack members, which HiGHS then finds; else it need not look (1 ms).
            held = sum(status == _BASIC for status in (*basis.col_status, *basis.row_status))
            basis.valid, basis.alien = True, held != places.rows
            model.setBasis(basis)
        return model

    def _join(self, scenarios: np.ndarray) -> None:
        self._joined = np.concatenate([self._joined, scenarios])
        self._add(self._model, scenarios)

    def _add(self, model: Any, scenarios: np.ndarray) -> None:
        chosen, n = self._returns[scenarios], self._count
        count = len(chosen)
        values = np.hstack([-self._price * chosen, np.ones((count, 1))]).ravel()
        model.addCols(
            count,
            self._price * (chosen @ self._limits.lower),
            np.zeros(count),
            np.full(count, self._most),
            len(values),
            np.arange(0, len(values), n + 1, dtype=np.int32),
            np.tile(np.arange(n + 1, dtype=np.int32), count),
            values,
        )

    def _values(self, weights: Vector, columns: Vector) -> Values:
        n, places, limits = self._count, self._places, self._limits
        shares = np.zeros(len(self._returns))
        shares[self._joined] = columns[places.shares :]
        upper, rows = columns[1 : 1 + n], columns[1 + n : 1 + n + len(limits.matrix)]
        buys = limits.max_turnover is not None
        purchases = columns[places.turnover + 1 : places.shares] if buys else np.zeros(n)
        slope = -self._price * (self._returns[self._joined].T @ columns[places.shares :]) - self._expected
        lower = slope + columns[0] + limits.matrix.T @ rows + purchases + upper
        outcomes = self._returns @ weights
        return Values(
            weights=weights,
            shares=shares,
            gap=abs(mean_loss(outcomes, self._confidence) + float(shares @ outcomes)),
            budget=float(columns[0]),
            lower=lower,
            upper=upper,
            rows=rows,
            purchases=purchases,
            turnover=float(columns[places.turnover]) if buys else 0.0,
        )
