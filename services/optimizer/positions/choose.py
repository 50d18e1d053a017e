"""The choice of positions for one request: a search within its effort, and reasons where no choice exists."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.optimizer.constraints import Row
from services.optimizer.positions.conflicts import PositionConflicts
from services.optimizer.positions.program import program_of
from services.optimizer.positions.search import Choice, Search
from services.optimizer.problem import PositionLimit, Problem
from services.optimizer.standard_form import StandardForm

# Nodes times products: some seconds on one core. It ends a search in the same place on every machine.
_MOST_WORK = 100_000
# Part of the time left that the search may take; the rest is for the proof of the answer and its explanation.
_SHARE = 0.6


@dataclass(frozen=True)
class Effort:
    """How long a search may take. deadline: on time.monotonic's clock, None for none; most_nodes: None for as usual."""

    deadline: float | None = None
    most_nodes: int | None = None


USUAL = Effort()


def chosen(
    problem: Problem, form: StandardForm, extra_rows: Sequence[Row], effort: Effort
) -> Choice | PositionConflicts:
    """Return the best choice found, or what tells why there is none."""
    limit = problem.limits.positions or PositionLimit(len(problem.products), 0.0)
    started = time.monotonic()
    until = None if effort.deadline is None else started + _SHARE * (effort.deadline - started)
    most = max(_MOST_WORK // len(form.lower), 10) if effort.most_nodes is None else effort.most_nodes
    program = program_of(form, limit)

    def is_late() -> bool:
        return until is not None and time.monotonic() >= until

    conflicts = PositionConflicts(problem, limit, extra_rows)
    if np.any(program.must & ~program.may):
        return conflicts
    return Search(program, most, is_late).run(lambda: conflicts.support) or conflicts
