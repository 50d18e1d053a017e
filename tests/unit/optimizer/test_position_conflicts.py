"""Limits on the number of positions that contradict others: what is named, and what would do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.optimizer.answers import OptimizeJob, Portfolio
from services.optimizer.engine import optimize
from services.optimizer.objective import (
    MinimumVariance,
)
from services.optimizer.positions.conflicts import MAX_POSITIONS, MIN_POSITION, PositionConflicts
from services.optimizer.problem import Bound, Limits, PositionLimit
from tests.unit.optimizer.builders import SOLVER, contradiction, group, relaxed
from tests.unit.optimizer.few_positions import COUNT, HELD, drawn, limited


def test_what_must_be_held_counts_as_a_position() -> None:
    # With nothing bought, the three products that are held stay, and two positions are too few.
    limits = Limits(max_turnover=0.0, positions=PositionLimit(2, 0.0))

    found = contradiction(limited(limits, current=HELD), drawn(1))

    told = {limit.field: limit.relaxed_bound for limit in found.conflicts}
    assert told[MAX_POSITIONS] == 3.0
    # The least that has to be bought: p6's fifth goes into the two others.
    assert told["limits.max_turnover"] == pytest.approx(0.2, abs=1e-5)


def test_too_few_positions_for_the_groups_is_named_with_what_would_do() -> None:
    groups = tuple(group(f"g{i}", [f"p{i}"], minimum=0.1) for i in range(3))
    problem = limited(Limits(groups=groups, positions=PositionLimit(2, 0.0)))

    found = contradiction(problem, drawn(2))

    assert {limit.field for limit in found.conflicts} == {
        MAX_POSITIONS,
        *(f"limits.groups[g{i}].min_weight" for i in range(3)),
    }
    assert {limit.field: limit.relaxed_bound for limit in found.conflicts}[MAX_POSITIONS] == 3.0
    for limit in found.conflicts:
        assert limit.relaxed_bound is not None


def test_positions_too_large_for_a_cap_are_named_with_the_largest_that_goes() -> None:
    caps = {f"p{i}": Bound(maximum=0.2) for i in range(COUNT)}
    problem = limited(Limits(products=caps, positions=PositionLimit(COUNT, 0.25)))

    found = contradiction(problem, drawn(2))

    assert MIN_POSITION in {limit.field for limit in found.conflicts}


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1_000))
def test_applying_a_relaxation_makes_a_choice_possible(seed: int) -> None:
    draw = np.random.default_rng(seed)
    groups = tuple(group(f"g{i}", [f"p{i}", f"p{i + 1}"], minimum=float(draw.uniform(0.15, 0.24))) for i in (0, 2, 4))
    limit = PositionLimit(int(draw.integers(1, 3)), float(draw.choice([0.0, 0.2])))
    problem = limited(Limits(groups=groups, positions=limit))

    for conflict in contradiction(problem, drawn(seed)).conflicts:
        if conflict.relaxed_bound is None:
            continue
        limits = problem.limits
        if conflict.field == MAX_POSITIONS:
            limits = replace(limits, positions=replace(limit, max_positions=int(conflict.relaxed_bound)))
        elif conflict.field == MIN_POSITION:
            limits = replace(limits, positions=replace(limit, min_position=conflict.relaxed_bound))
        else:
            name = conflict.field.split("[")[1].split("]")[0]
            bound = Bound(minimum=conflict.relaxed_bound)
            limits = replace(
                limits, groups=tuple(replace(each, bound=bound) if each.name == name else each for each in groups)
            )
        answer = optimize(OptimizeJob(replace(problem, limits=limits), drawn(seed), MinimumVariance()), SOLVER)
        assert isinstance(answer, Portfolio)


def test_caps_of_which_so_many_are_too_few_are_named_without_a_program_for_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    programs: list[int] = []
    solved = PositionConflicts._solved

    def counting(self: PositionConflicts, *arguments: Any, **named: Any) -> Any:
        programs.append(1)
        return solved(self, *arguments, **named)

    monkeypatch.setattr(PositionConflicts, "_solved", counting)
    caps = {f"p{i}": Bound(maximum=0.2) for i in range(COUNT)}
    problem = limited(Limits(products=caps, positions=PositionLimit(3, 0.0)))

    found = contradiction(problem, drawn(2))

    told = {limit.field: limit.relaxed_bound for limit in found.conflicts}
    assert told.pop(MAX_POSITIONS) == 5.0
    # Two others hold 0.4 at most.
    assert list(told.values()) == pytest.approx([0.6] * COUNT, abs=1e-5)
    assert len(programs) <= 4
    assert [(limit.field, limit.relaxed_bound) for limit in found.together] == [(MAX_POSITIONS, 5.0)]


def test_what_resolves_a_linear_contradiction_keeps_the_number_of_positions() -> None:
    # The floors sum to 1.1, and three products that must be held are more than two.
    floors = {"p0": Bound(0.5), "p1": Bound(0.4), "p2": Bound(0.2)}
    limits = Limits(products=floors, positions=PositionLimit(2, 0.0))
    problem = limited(limits)

    found = contradiction(problem, drawn(2))

    # One of them must not be held at all; 0.1 less of any is enough for the sum but leaves three positions.
    assert [limit.relaxed_bound for limit in found.conflicts] == [0.0] * 3
    for way in (*([one] for one in found.conflicts), found.together):
        eased = limits
        for one in way:
            eased = relaxed(eased, one.field, one.relaxed_bound)
        answer = optimize(OptimizeJob(replace(problem, limits=eased), drawn(2), MinimumVariance()), SOLVER)
        assert isinstance(answer, Portfolio)
