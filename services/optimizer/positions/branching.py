"""What a search over positions does with a node: the price to go on with, what is settled, what is decided next."""

from __future__ import annotations

import numpy as np

from services.optimizer.positions.bound import Bound, Node
from services.optimizer.positions.exchange import TOLERANCE
from services.optimizer.positions.program import Mask, Program
from services.optimizer.positions.relax import Relaxed

_SMALLEST_PRICE, _LARGEST_PRICE = 1e-9, 1e3
# A price changes by no more than this factor at once.
_LARGEST_STEP = 25.0
# A share this near to none or to one is decided by itself.
_WHOLE = 1e-4


def next_price(price: float, taken: float, slots: int) -> float:
    """Return the price at which about as many positions are taken as there are: shares fall with its root."""
    if slots == 0:
        return _SMALLEST_PRICE
    factor = min(max((taken / slots) ** 2, 1.0 / _LARGEST_STEP), _LARGEST_STEP)
    return min(max(price * factor, _SMALLEST_PRICE), _LARGEST_PRICE)


def fixed(node: Node, bound: Bound, cutoff: float) -> Node:
    """Return the node without products that are in, or are out, in no better choice."""
    held = node.free & (bound.if_out >= cutoff)
    out = node.free & (bound.if_held >= cutoff)
    return Node(node.held | (held & ~out), node.free & ~held & ~out)


def dearest(free: Mask, at: Relaxed) -> int:
    """Return the product to decide: with the most weight for which no share of a position is paid."""
    partly = free & (at.shares > _WHOLE) & (at.shares < 1.0 - _WHOLE)
    if partly.any():
        return int(np.argmax(np.where(partly, at.weights * (1.0 - at.shares), -1.0)))
    return int(np.argmax(np.where(free, at.shares, -1.0)))


def can_be_full(program: Program, node: Node) -> bool:
    """Return whether the bounds of the products leave room for weights that sum to one."""
    slots = program.count - int(node.held.sum())
    if slots < 0 or program.low[node.held].sum() > 1.0 + TOLERANCE:
        return False
    room = np.sort(program.high[node.free])[::-1][:slots]
    return bool(program.high[node.held].sum() + room.sum() >= 1.0 - TOLERANCE)
