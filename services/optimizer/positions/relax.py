"""The relaxation of a node at a price for positions: a quadratic program that proposes multipliers for its bound.

Partly held products pay for their share of a position. At a price p for a whole one the cheapest share gives the
cost c/2 w^2 + p above t = sqrt(2 p / c), and below it the chord to zero: the perspective of the quadratic (Frangioni
and Gentile 2006). With w = e + r and e <= t, that is linear in e and quadratic in r; a held product is e alone, with
its whole parabola.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import piqp
from scipy import sparse

from services.optimizer.moments import Matrix, Vector
from services.optimizer.positions.bound import Multipliers, Node
from services.optimizer.positions.program import Program

_ACCURACY = 1e-7
_OPTIONS = {
    "eps_abs": _ACCURACY,
    "eps_rel": _ACCURACY,
    "eps_duality_gap_abs": _ACCURACY,
    "eps_duality_gap_rel": _ACCURACY,
    "max_iter": 60,
}
# Breaking a row costs this much a unit, so that a node without a portfolio has a high bound instead of none.
_BROKEN = 1e2
# Ranges shorter than this are points, which interior points cannot enter; the bound knows the exact ones.
_POINT = 1e-9
# Above this many variables factor exposures become variables, which keeps the matrices sparse.
_LARGEST_DENSE = 250


@dataclass(frozen=True, eq=False)
class Relaxed:
    """An optimum of the relaxation: weights (n,), the share of a position that each takes (n,), multipliers."""

    weights: Vector
    shares: Vector
    multipliers: Multipliers


@dataclass(frozen=True, eq=False)
class _Parts:
    """Parts of weights as variables: whose they are, their curvature, slope and largest value, all (parts,)."""

    product: np.ndarray
    curvature: Vector
    slope: Vector
    lowest: Vector
    highest: Vector


def relaxed(program: Program, node: Node, price: float) -> Relaxed | None:
    """Return the optimum at this price of a position; None where the solver found none."""
    step = np.sqrt(2.0 * price / np.maximum(program.own, _POINT**2))
    step = np.clip(step, program.low, program.high)
    parts = _parts(program, node, step, price)
    bought = np.flatnonzero((program.current > 0.0) & (node.held | node.free))
    if program.max_turnover is None:
        bought = bought[:0]
    rows, right = _rows(program, parts.product, bought)
    result = _solved(program, parts, len(bought), rows, right)
    if result is None:
        return None
    weights = np.zeros(len(step))
    np.add.at(weights, parts.product, np.asarray(result.x)[: len(parts.product)])
    shares = np.where(node.held, 1.0, np.minimum(weights / np.maximum(step, _POINT), 1.0) * node.free)
    prices, m = np.asarray(result.z_u), len(program.limits)
    purchases, turnover = np.zeros(len(step)), 0.0
    if program.max_turnover is not None:
        turnover = float(prices[m])
        purchases = np.where(program.current > 0.0, 0.0, turnover)
        purchases[bought] = prices[m + 1 :]
    exposures = program.root.T @ weights
    return Relaxed(weights, shares, Multipliers(exposures, float(result.y[0]), prices[:m].copy(), purchases, turnover))


def _parts(program: Program, node: Node, step: Vector, price: float) -> _Parts:
    held = np.flatnonzero(node.held)
    chord = np.flatnonzero(node.free & (step > _POINT))
    rest = np.flatnonzero(node.free & (program.high - step > _POINT))
    own, linear = program.own, program.linear
    return _Parts(
        product=np.concatenate([held, chord, rest]),
        curvature=np.concatenate([own[held], np.zeros(len(chord)), own[rest]]),
        slope=np.concatenate(
            [
                -linear[held],
                (0.5 * own * step - linear)[chord] + price / step[chord],
                (own * step - linear)[rest],
            ]
        ),
        lowest=np.concatenate([program.low[held], np.zeros(len(chord) + len(rest))]),
        highest=np.concatenate(
            [np.maximum(program.high, program.low + _POINT)[held], step[chord], (program.high - step)[rest]]
        ),
    )


def _rows(program: Program, product: np.ndarray, bought: np.ndarray) -> tuple[Matrix, Vector]:
    """Return rows, turnover and purchases over parts, purchases and excesses, and their limits."""
    m, width, h = len(program.limits), len(product), len(bought)
    has_turnover = program.max_turnover is not None
    extra = m + has_turnover
    rows = np.zeros((extra + h, width + h + extra), order="F")
    rows[:m, :width] = program.matrix[:, product]
    rows[:extra, width + h :] = -np.eye(extra)
    if not has_turnover:
        return rows, program.limits
    rows[m, :width] = program.current[product] <= 0.0
    rows[m, width : width + h] = 1.0
    rows[extra:, :width] = product[None, :] == bought[:, None]
    rows[extra:, width : width + h] = -np.eye(h)
    return rows, np.concatenate([program.limits, [program.max_turnover], program.current[bought]])


def _solved(program: Program, parts: _Parts, bought: int, rows: Matrix, right: Vector) -> Any:
    width, extra = len(parts.product), rows.shape[1] - len(parts.product)
    root = program.root[parts.product]
    slope = np.concatenate([parts.slope, np.zeros(bought), np.full(extra - bought, _BROKEN)])
    lowest = np.concatenate([parts.lowest, np.zeros(extra)])
    highest = np.concatenate([parts.highest, np.full(extra, np.inf)])
    if width + extra > _LARGEST_DENSE:
        return _sparse(program.quadratic, root, parts.curvature, slope, rows, right, lowest, highest)
    quadratic = np.zeros((width + extra, width + extra), order="F")
    quadratic[:width, :width] = program.quadratic * (root @ root.T)
    quadratic[np.arange(width), np.arange(width)] += parts.curvature
    budget = np.concatenate([np.ones(width), np.zeros(extra)])[None, :]
    unequal = (rows, None, right) if len(right) else (None, None, None)
    return _answer(
        piqp.DenseSolver(), quadratic, slope, np.asfortranarray(budget), np.ones(1), *unequal, lowest, highest
    )


def _sparse(
    price: float,
    root: Matrix,
    curvature: Vector,
    slope: Vector,
    rows: Matrix,
    right: Vector,
    lowest: Vector,
    highest: Vector,
) -> Any:
    (width, k), extra = root.shape, rows.shape[1] - len(root)
    quadratic = sparse.diags(np.concatenate([curvature, np.zeros(extra), np.full(k, price)]), format="csc")
    budget = np.concatenate([np.ones(width), np.zeros(extra + k)])[None, :]
    equal = sparse.csc_matrix(np.vstack([budget, np.hstack([root.T, np.zeros((k, extra)), -np.eye(k)])]))
    unequal = sparse.csc_matrix(np.hstack([rows, np.zeros((len(rows), k))]))
    free = np.full(k, np.inf)
    return _answer(
        piqp.SparseSolver(),
        quadratic,
        np.concatenate([slope, np.zeros(k)]),
        equal,
        np.concatenate([[1.0], np.zeros(k)]),
        unequal,
        None,
        right,
        np.concatenate([lowest, -free]),
        np.concatenate([highest, free]),
    )


def _answer(solver: Any, *program: Any) -> Any:
    for option, value in _OPTIONS.items():
        setattr(solver.settings, option, value)
    solver.setup(*program)
    return solver.result if solver.solve().name == "PIQP_SOLVED" else None
