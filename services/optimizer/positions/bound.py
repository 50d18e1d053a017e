"""Bounds from below on what any choice of positions can reach, valid for whatever multipliers they are given.

With multipliers for the limits and the common risk linearised at factor exposures y, the Lagrangian falls apart by
product: a product that is held gains g_i = min(c_i/2 w^2 + s_i w over low_i <= w <= high_i), one that is not gains
nothing, and the best K gains count (weak duality). A solver only proposes the multipliers; the bound is computed here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.optimizer.moments import Vector
from services.optimizer.positions.program import Mask, Program

# Below this own variance a product's gain is linear in its weight.
_FLAT = 1e-14


@dataclass(frozen=True, eq=False)
class Node:
    """Part of the choices: products that are held and products that still may be, both (n,)."""

    held: Mask
    free: Mask

    @property
    def decided(self) -> bool:
        """Whether nothing is left to choose."""
        return not self.free.any()


@dataclass(frozen=True, eq=False)
class Multipliers:
    """A point of the dual: exposures (k,), of the budget, of rows (m,), of purchases (n,) and of the turnover."""

    exposures: Vector
    budget: float
    rows: Vector
    purchases: Vector
    turnover: float


@dataclass(frozen=True, eq=False)
class Bound:
    """No choice within the node is below `value`; nor below `if_held` or `if_out`, (n,), where a free product is so."""

    value: float
    if_held: Vector
    if_out: Vector


def bound_of(program: Program, node: Node, at: Multipliers) -> Bound:
    """Return the bound; multipliers of the wrong sign are cut to what is allowed."""
    rows, turnover = np.maximum(at.rows, 0.0), max(at.turnover, 0.0)
    constant = -0.5 * program.quadratic * float(at.exposures @ at.exposures) - at.budget - float(rows @ program.limits)
    if program.max_turnover is not None:
        purchases = np.clip(at.purchases, 0.0, turnover)
        constant -= turnover * program.max_turnover + float(purchases @ program.current)
    return _best_choice(program, node, constant, gains_of(program, at))


def gains_of(program: Program, at: Multipliers) -> Vector:
    """Return what each product changes by being held, (n,); below zero is good."""
    rows, turnover = np.maximum(at.rows, 0.0), max(at.turnover, 0.0)
    slopes = program.quadratic * (program.root @ at.exposures) - program.linear + at.budget + rows @ program.matrix
    if program.max_turnover is not None:
        slopes = slopes + np.clip(at.purchases, 0.0, turnover)
    flat = program.own < _FLAT
    inner = -slopes / np.where(flat, 1.0, program.own)
    weights = np.clip(np.where(flat, np.where(slopes < 0.0, np.inf, -np.inf), inner), program.low, program.high)
    return np.asarray(weights * (0.5 * program.own * weights + slopes))


def _best_choice(program: Program, node: Node, constant: float, gains: Vector) -> Bound:
    slots = program.count - int(node.held.sum())
    places = np.flatnonzero(node.free)
    order = places[np.argsort(gains[places], kind="stable")]
    chosen, rest = order[:slots], order[slots:]
    chosen = chosen[gains[chosen] < 0.0]
    is_full = len(chosen) == slots
    value = constant + float(gains[node.held].sum()) + float(gains[chosen].sum())
    # What leaves the choice makes room for the next; what enters a full one takes the place of the last.
    following = min(float(gains[rest[0]]), 0.0) if is_full and len(rest) else 0.0
    last = float(gains[chosen[-1]]) if is_full and slots else 0.0
    if_held, if_out = np.full(len(gains), value), np.full(len(gains), value)
    if_out[chosen] = value - gains[chosen] + following
    others = np.setdiff1d(order, chosen, assume_unique=True)
    if_held[others] = value - last + gains[others] if slots else np.inf
    return Bound(value, if_held, if_out)
