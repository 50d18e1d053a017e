"""The best choice of positions, by branch and bound, with a bound on what any other choice can reach.

Nodes are taken by rising bound. Each is relaxed at a price for positions that moves from its parent's towards the one
at which as many positions are paid for as may be held; every bound comes from `bound`, not from the solver. What
cannot be held, or cannot be out, in any choice better than the best one known is fixed on the way.
Sources: Bertsimas and Shioda (2009); Bertsimas and Cory-Wright (2022); Frangioni and Gentile (2006).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from services.optimizer.positions.bound import Bound, Node, bound_of
from services.optimizer.positions.branching import can_be_full, dearest, fixed, next_price
from services.optimizer.positions.exchange import Incumbent
from services.optimizer.positions.program import Program
from services.optimizer.positions.relax import Relaxed, relaxed

# Bounds this close below a value, on the objective of order one, prove it.
PROVEN = 1e-8
# How many choices of a price the root and any other node may try.
_ROOT_PRICES, _PRICES = 8, 3
# A price is settled where another could raise the bound by no more than this part of what is missing.
_WORTH = 0.1
_FIRST_PRICE = 1e-5


@dataclass(frozen=True, eq=False)
class Choice:
    """The best choice found: places of its products, rising, its value, and what no choice is below.

    bound: the value itself where the choice is proven best.  nodes: how many were relaxed.
    is_cut: whether the clock ended the search.
    one_more: the least value seen with one more product; None where the number of positions is not used up.
    """

    places: tuple[int, ...]
    value: float
    bound: float
    nodes: int
    is_cut: bool
    one_more: float | None


@dataclass(frozen=True, eq=False)
class _Open:
    node: Node
    price: float


class Search:
    """One search. most_nodes: how many may be relaxed.  is_late: asked between nodes, whether time is up."""

    def __init__(self, program: Program, most_nodes: int, is_late: Callable[[], bool]) -> None:
        self._program = program
        self._most_nodes = most_nodes
        self._is_late = is_late
        self._incumbent = Incumbent(program)
        self._nodes = 0
        # The lowest bound among the choices that were tried one by one.
        self._floor = math.inf

    def run(self, any_choice: Callable[[], np.ndarray | None]) -> Choice | None:
        """Return the best choice; None where there is none.

        any_choice: asked where the root leads to no choice that keeps the limits; places of one, or None.
        """
        program, known = self._program, self._incumbent
        root = Node(program.must, program.may & ~program.must)
        heap = [(-math.inf, 0, _Open(root, self._first_price()))] if can_be_full(program, root) else []
        count, cut = 1, False
        while heap and heap[0][0] < known.cutoff:
            cut = self._nodes > 0 and known.best is not None and self._is_late()
            if cut or self._nodes >= self._most_nodes:
                break
            value, _, opened = heapq.heappop(heap)
            for bound, child in self._children(opened, value):
                heapq.heappush(heap, (bound, count, child))
                count += 1
            if known.best is None and self._nodes == 1:
                found = any_choice()
                if found is None:
                    return None
                known.improve([found])
        if known.best is None:
            return None
        value, support = known.best
        # What remains in the heap at the end may be better.
        bound = min(heap[0][0] if heap else math.inf, self._floor)
        bound = bound if bound < value - PROVEN else value
        return Choice(tuple(support.tolist()), value, bound, self._nodes, cut, known.with_one_more(support, value))

    def _children(self, opened: _Open, known: float) -> Iterator[tuple[float, _Open]]:
        """Yield the two halves of a node that may still hold a better choice, each with its bound."""
        tries, before = _PRICES if self._nodes else _ROOT_PRICES, self._incumbent.best
        self._nodes += 1
        node = opened.node
        found = self._relaxed(node, opened.price, tries)
        if found is None:
            # Nothing is known of it but what was known before: it is split all the same.
            if node.decided:
                self._close(node, known)
            else:
                yield from self._halves(node, int(np.flatnonzero(node.free)[0]), known, known, opened.price)
            return
        at, bound, price = found
        self._incumbent.improve_rounded(before)
        if max(bound.value, known) >= self._incumbent.cutoff:
            return
        node = fixed(node, bound, self._incumbent.cutoff)
        if int(node.held.sum()) == self._program.count:
            node = replace(node, free=np.zeros_like(node.free))
        if node.decided:
            self._close(node, max(known, bound.value))
            return
        place = dearest(node.free, at)
        if_held, if_out = max(known, bound.if_held[place]), max(known, bound.if_out[place])
        yield from self._halves(node, place, if_held, if_out, price)

    def _close(self, node: Node, known: float) -> None:
        """Try the one choice that is left of a node; what the multipliers do not prove of it stays open."""
        trial = self._incumbent.trial(np.flatnonzero(node.held))
        proven = -math.inf if trial is None else bound_of(self._program, node, trial.multipliers).value
        self._floor = min(self._floor, max(known, proven))

    def _halves(
        self, node: Node, place: int, if_held: float, if_out: float, price: float
    ) -> Iterator[tuple[float, _Open]]:
        taken = np.arange(len(node.free)) == place
        held = Node(node.held | taken, node.free & ~taken)
        for bound, child in ((if_held, held), (if_out, Node(node.held, node.free & ~taken))):
            if bound < self._incumbent.cutoff and can_be_full(self._program, child):
                yield bound, _Open(child, price)

    def _relaxed(self, node: Node, price: float, tries: int) -> tuple[Relaxed, Bound, float] | None:
        """Return the relaxation with the highest bound, and the price that the next one should begin with."""
        slots, best = self._program.count - int(node.held.sum()), None
        for _ in range(tries):
            found = relaxed(self._program, node, price)
            if found is None:
                break
            self._incumbent.round(node, found)
            bound, cutoff = bound_of(self._program, node, found.multipliers), self._incumbent.cutoff
            taken = float(found.shares[node.free].sum())
            following = next_price(price, taken, slots)
            if best is None or bound.value > best[1].value:
                best = found, bound, following
            # The bound is concave in the price and rises by positions in excess.
            gain = (taken - slots) * (following - price)
            if bound.value >= cutoff or math.isinf(cutoff) or gain <= _WORTH * (cutoff - bound.value):
                break
            price = following
        return best

    def _first_price(self) -> float:
        """Return the price at which equal weights in as many products as may be held are worth a position each."""
        share = 1.0 / self._program.count
        return max(0.5 * float(np.median(self._program.own)) * share**2, _FIRST_PRICE)
