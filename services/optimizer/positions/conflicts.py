"""Why no portfolio exists with so few positions, or positions so large: mixed-integer linear programs, by HiGHS.

Asked only where the limits can hold together without the limit on positions. A smallest contradiction is found by
QuickXplain (Junker 2004), which asks about halves: few limits contradict each other even where there are many.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from services.optimizer.answers import ConflictingLimit, Infeasible
from services.optimizer.constraints import MAX_TURNOVER, Row, current_weights, product_rows, shared_rows
from services.optimizer.linear_limits import turnover_row
from services.optimizer.moments import Matrix, Vector
from services.optimizer.problem import PositionLimit, Problem
from services.optimizer.rounding import outward
from shared.errors import SolutionRefused

MAX_POSITIONS = "limits.positions.max_positions"
MIN_POSITION = "limits.positions.min_position"
# A program of this kind is settled in a few nodes; the cap keeps a bad one from holding a worker.
_MOST_NODES = 20_000
# Linear limits whose relaxation is looked for by such a program, of 25 ms for 100 products.
MOST_PRICED = 4
_HELD = 0.5
_SLACK = 1e-7
# Rows are in the scale of weights: none can be broken by more than this.
_WIDEST = 10.0
_SOLVED, _INFEASIBLE = 0, 2
# A relaxed bound goes this far beyond the one found: a share of a position of 1e-6 counts as none to the solver.
_ROOM = 2e-6
# To less than the millionth to which bounds are rounded.
_HALVINGS = 20


class PositionConflicts:
    """Answers about the linear limits of one request together with its limit on positions.

    extra_rows: limits that the objective brings.
    """

    def __init__(self, problem: Problem, limit: PositionLimit, extra_rows: Sequence[Row] = ()) -> None:
        self._limit = limit
        self._current = current_weights(problem)
        self._count = len(self._current)
        turnover = problem.limits.max_turnover
        self._rows: list[Row] = [*product_rows(problem), *shared_rows(problem), *extra_rows]
        self._rows += [] if turnover is None else [turnover_row(self._count, turnover)]

    @cached_property
    def support(self) -> np.ndarray | None:
        """Places of products with which all limits can be kept, rising; None where there are none."""
        found = self._solved(self._rows, self._limit.max_positions, self._limit.min_position)
        return None if found is None else np.flatnonzero(found[self._count : 2 * self._count] > _HELD)

    @cached_property
    def conflicts(self) -> tuple[ConflictingLimit, ...]:
        """A smallest set of limits that contradict each other; empty where all can be kept."""
        if self.support is not None:
            return ()
        wanted: list[Row | str] = [MAX_POSITIONS]
        if self._limit.min_position > 0.0:
            wanted.append(MIN_POSITION)
        members = self._small_caps() or _smallest([*wanted, *self._rows], self._contradict)
        named = [self._of_name(member) for member in members if not isinstance(member, Row)]
        return (*named, *self._priced([member for member in members if isinstance(member, Row)]))

    @property
    def infeasible(self) -> Infeasible:
        """The whole answer."""
        return Infeasible(self.conflicts, self._together(self._rows))

    def beside(self, linear: Infeasible) -> Infeasible:
        """Return a contradiction of linear limits with what resolves it under the limit on positions too."""
        rows = {row.field: row for row in self._rows}
        given = {one.field: one.relaxed_bound for one in linear.together if one.relaxed_bound is not None}
        eased = [_at(row, given[row.field]) if row.field in given else row for row in self._rows]
        helpful = [rows[one.field] for one in linear.conflicts if one.relaxed_bound is not None]
        priced = {one.field: one for one in self._priced(helpful)}
        conflicts = tuple(priced.get(one.field, one) for one in linear.conflicts)
        if not linear.together or self._solved(eased, self._limit.max_positions, self._limit.min_position) is not None:
            return Infeasible(conflicts, linear.together)
        others = self._together(eased)
        return Infeasible(conflicts, (*linear.together, *others) if others else ())

    def _together(self, rows: Sequence[Row]) -> tuple[ConflictingLimit, ...]:
        """Return what the limits on positions have to become all at once, the number first."""
        limit = self._limit
        for least in dict.fromkeys((limit.min_position, 0.0)):
            found = self._solved(rows, None, least)
            if found is None:
                continue
            held = found[: self._count][found[self._count : 2 * self._count] > _HELD]
            given = [ConflictingLimit(MAX_POSITIONS, float(limit.max_positions), float(len(held)))]
            if least < limit.min_position:
                smallest = outward(max(float(held.min()) - _ROOM, 0.0), is_lower=True)
                given.append(ConflictingLimit(MIN_POSITION, limit.min_position, smallest))
            return tuple(given)
        return ()

    def _small_caps(self) -> list[Row | str]:
        """Return the number of positions and all largest weights where so many of the largest are less than one.

        Each is needed: a product without its own could hold everything. Empty where they are not.
        """
        tightest: dict[int, Row] = {}
        for row in self._rows:
            if row.product is not None and not row.is_lower:
                before = tightest.get(row.product)
                tightest[row.product] = row if before is None or row.limit < before.limit else before
        most = sorted((row.limit for row in tightest.values()), reverse=True)[: self._limit.max_positions]
        is_short = len(tightest) == self._count and sum(most) < 1.0 - _SLACK
        return [MAX_POSITIONS, *tightest.values()] if is_short else []

    def _contradict(self, members: Sequence[Row | str]) -> bool:
        rows = [member for member in members if isinstance(member, Row)]
        count = self._limit.max_positions if MAX_POSITIONS in members else self._count
        least = self._limit.min_position if MIN_POSITION in members else 0.0
        return self._solved(rows, count, least) is None

    def _of_name(self, member: str) -> ConflictingLimit:
        limit = self._limit
        try:
            if member == MIN_POSITION:
                return ConflictingLimit(member, limit.min_position, self._largest_least())
            found = self._solved(self._rows, None, limit.min_position)
        except SolutionRefused:
            bound = limit.min_position if member == MIN_POSITION else float(limit.max_positions)
            return ConflictingLimit(member, bound, None, is_unsought=True)
        fewest = None if found is None else float(np.round(found[self._count : 2 * self._count]).sum())
        return ConflictingLimit(member, float(limit.max_positions), fewest)

    def _priced(self, members: Sequence[Row]) -> list[ConflictingLimit]:
        """Return the members with their relaxations; no more than a few that need a program."""
        told, sought = list[ConflictingLimit](), 0
        for row in members:
            by = self._filled(row)
            sought += by is None
            told.append(self._of_row(row) if by is None and sought <= MOST_PRICED else _told(row, by))
        return told

    def _of_row(self, row: Row) -> ConflictingLimit:
        try:
            found = self._solved(self._rows, self._limit.max_positions, self._limit.min_position, give=row)
        except SolutionRefused:
            return _told(row, None)
        return ConflictingLimit(row.field, row.bound, None) if found is None else _told(row, float(found[-1]))

    def _filled(self, wanted: Row) -> float | None:
        """Return how far a largest weight gives way if the largest others are full; None where that breaks a limit.

        No less will do: the others, one position fewer, hold no more.
        """
        place = wanted.product
        if place is None or wanted.is_lower:
            return None
        caps, least = np.ones(self._count), np.zeros(self._count)
        for row in self._rows:
            if row.product is not None and row.is_lower:
                least[row.product] = max(least[row.product], -row.limit)
            elif row.product is not None and row is not wanted:
                caps[row.product] = min(caps[row.product], row.limit)
        others = np.argsort(-np.delete(caps, place), kind="stable")[: self._limit.max_positions - 1]
        others += others >= place
        weights = np.zeros(self._count)
        weights[others] = caps[others]
        weights[place] = 1.0 - weights.sum()
        by = float(weights[place] - wanted.limit)
        is_held = weights > 0.0
        obeys = by > 0.0 and bool((weights >= np.maximum(least, self._limit.min_position * is_held) - _SLACK).all())
        bought = np.maximum(weights - self._current, 0.0)
        for row in self._rows:
            values = bought if row.field == MAX_TURNOVER else weights
            obeys = obeys and (row is wanted or float(row.coefficients[-self._count :] @ values) <= row.limit + _SLACK)
        return by if obeys else None

    def _largest_least(self) -> float | None:
        """Return the largest smallest weight with which the other limits can be kept, by halving; None where none is.

        Stated as one program it has a weak relaxation and takes a hundred times as long.
        """
        most = self._limit.max_positions
        if self._solved(self._rows, most, 0.0) is None:
            return None
        low, high = 0.0, self._limit.min_position
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            low, high = (low, middle) if self._solved(self._rows, most, middle) is None else (middle, high)
        return outward(max(low - _ROOM, 0.0), is_lower=True)

    def _solved(self, rows: Sequence[Row], count: int | None, least: float, give: Row | None = None) -> Vector | None:
        """Return weights, choices, purchases and one number more; None where nothing obeys these limits.

        count: None asks for the fewest positions.  least: smallest weight of what is held.
        give: the row that may be broken, by the number more, which is then the least.
        """
        n = self._count
        eye, zeros, nothing = np.eye(n), np.zeros((n, n)), np.zeros((n, 1))
        blocks = [
            np.hstack([eye, -eye, zeros, nothing]),
            np.hstack([-eye, least * eye, zeros, nothing]),
            np.hstack([eye, zeros, -eye, nothing]),
        ]
        right = [np.zeros(2 * n), self._current]
        for row in rows:
            places = np.zeros(3 * n + 1)
            part = slice(2 * n, 3 * n) if row.field == MAX_TURNOVER else slice(0, n)
            places[part] = row.coefficients[-n:]
            places[-1] = -float(row is give)
            blocks.append(places[None, :])
            right.append(np.array([row.limit]))
        chosen = np.repeat([0.0, 1.0, 0.0], [n, n, n + 1])
        # No more positions fit into one than their smallest weight allows: implied, and what settles hard cases.
        blocks.append(chosen[None, :])
        most = n if count is None else count
        right.append(np.array([float(min(most, math.floor((1.0 + _SLACK) / max(least, 1.0 / n))))]))
        cost = chosen * (count is None)
        cost[-1] = 1.0
        budget = np.repeat([1.0, 0.0], [n, 2 * n + 1])
        highest = np.repeat([1.0, _WIDEST], [3 * n, 1])
        return _optimum(cost, chosen, highest, np.vstack(blocks), np.concatenate(right), budget)


def _optimum(
    cost: Vector, is_whole: Vector, highest: Vector, matrix: Matrix, limits: Vector, budget: Vector
) -> Vector | None:
    """Return the optimum, None where there is none. Raises SolutionRefused where HiGHS cannot tell.

    HiGHS's presolve fails on some small programs; without it they are solved.
    """
    rows = [LinearConstraint(matrix, -np.inf, limits), LinearConstraint(budget[None, :], 1.0, 1.0)]
    bounds = Bounds(np.zeros(len(cost)), highest)
    for presolve in (True, False):
        options = {"node_limit": _MOST_NODES, "presolve": presolve}
        result = milp(cost, integrality=is_whole, bounds=bounds, constraints=rows, options=options)
        if result.status in (_SOLVED, _INFEASIBLE):
            return None if result.status == _INFEASIBLE else np.asarray(result.x)
    raise SolutionRefused(f"whether the limits on positions can be kept was not settled: {result.message}")


def _told(row: Row, by: float | None) -> ConflictingLimit:
    if by is None:
        return ConflictingLimit(row.field, row.bound, None, is_unsought=True)
    return ConflictingLimit(row.field, row.bound, _given_way(row, by))


def _at(row: Row, bound: float) -> Row:
    """Return the row with the limit at which it states this bound."""
    limit = (bound - row.offset) / row.unit
    return replace(row, limit=-limit if row.is_lower else limit)


def _given_way(row: Row, by: float) -> float:
    """Return the bound of the row as the request would state it, if it gave way by this much and a little more."""
    bound = outward(row.stated(row.limit + by + _ROOM), row.is_lower)
    return max(bound, 0.0) if row.bound >= 0.0 else bound


def _smallest(members: Sequence[Row | str], contradict: Callable[[Sequence[Row | str]], bool]) -> list[Row | str]:
    """Return a contradictory subset of which every member is needed; the first of the members are dropped last."""

    def needed(known: list[Row | str], has_changed: bool, among: list[Row | str]) -> list[Row | str]:
        if has_changed and contradict(known):
            return []
        if len(among) == 1:
            return among
        half = len(among) // 2
        first, second = among[:half], among[half:]
        of_second = needed([*known, *first], True, second)
        of_first = needed([*known, *of_second], bool(of_second), first)
        return [*of_first, *of_second]

    return needed([], False, list(members))
