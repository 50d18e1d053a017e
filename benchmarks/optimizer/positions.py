"""At most 10 of 50 products: how good the first choice is, what its proof takes, and SCIP beside it.

    python -m benchmarks.optimizer.positions [--seeds 2] [--exact PYTHON | --no-exact]

CPU time, one thread. `lost` is the distance to the optimum of the best choice that the search held after 100 ms, and
`close ms` when it first held one within 0.1 %. `gap 1 s` is what is proven after one second, `proof` the time until the
choice is proven best or 2,000 nodes are used up. SCIP solves the perspective reformulation in the peers' environment;
the optimum is the better of both. Exit status 1 where SCIP's choice is better than one called proven.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.optimizer.peers_run import peers_python
from benchmarks.optimizer.positions_cases import COUNT, LIMIT, Case, cases
from services.optimizer.objective import MeanVarianceUtility
from services.optimizer.positions.exchange import Incumbent
from services.optimizer.positions.program import Program, program_of
from services.optimizer.positions.restricted import Restricted, Trial
from services.optimizer.positions.search import PROVEN, Choice, Search
from services.optimizer.standard_form import StandardForm, standard_form

_MOST_NODES, _EXACT_SECONDS = 2_000, 60.0
_FIRST_MS, _SECOND, _CLOSE = 100.0, 1.0, 1e-3
_SCRIPT = Path(__file__).with_name("positions_exact.py")


@dataclass(frozen=True)
class Measured:
    """Of one case: distance to the optimum after 100 ms, when it was small, gap after 1 s, and the proof."""

    lost: float
    close_ms: float
    gap: float
    proof_ms: float
    is_proven: bool
    is_wrong: bool


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; return the exit status."""
    options = _options(arguments)
    python = None if options.no_exact else (options.exact or peers_python())
    print(f"{LIMIT.max_positions} of {COUNT} products; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{'case':<46} {'lost':>8} {'close ms':>8} {'gap 1 s':>8} {'proof ms':>9} {'nodes':>6} {'SCIP ms':>8}")
    found = [_line(case, python) for case in cases(options.seeds)]
    print(
        f"{len(found)} cases: lost at 100 ms at most {max(each.lost for each in found):.3%}, "
        f"{sum(each.lost <= _CLOSE for each in found)} within 0.1 %, at the median after "
        f"{statistics.median(each.close_ms for each in found):.0f} ms; "
        f"{sum(each.is_proven and each.proof_ms <= 1e3 for each in found)} proven within 1 s, "
        f"{sum(each.is_proven for each in found)} in all; "
        f"proof at the median {statistics.median(each.proof_ms for each in found):.0f} ms"
    )
    return int(any(each.is_wrong for each in found))


def _line(case: Case, python: Path | None) -> Measured:
    form = standard_form(case.problem, case.moments, case.goal)
    second, _, _ = _searched(form, _SECOND)
    whole, proof_ms, steps = _searched(form, float("inf"))
    program = program_of(form, LIMIT)
    exact = None if python is None else _exact(program, python)
    best = min(whole.value, second.value, whole.value if exact is None else exact["value"])
    worth = abs(_worth(case, form, best)) / form.goal.price
    is_proven = whole.bound >= whole.value
    measured = Measured(
        lost=(min((value for ms, value in steps if ms <= _FIRST_MS), default=steps[0][1]) - best) / worth,
        close_ms=next(ms for ms, value in steps if value - best <= _CLOSE * worth),
        gap=(second.value - second.bound) / worth,
        proof_ms=proof_ms,
        is_proven=is_proven,
        is_wrong=is_proven and best < whole.value - 2.0 * PROVEN,
    )
    print(
        f"{case.name:<46} {measured.lost:>8.3%} {measured.close_ms:>8.0f} {measured.gap:>8.3%} "
        f"{proof_ms:>8.0f}{' ' if is_proven else '+'} {whole.nodes:>6} "
        f"{'-' if exact is None else format(exact['cpu_ms'], '.0f'):>8}{'  WRONG' if measured.is_wrong else ''}",
        flush=True,
    )
    return measured


class _Watched(Incumbent):
    """Notes when each better choice is found, in CPU milliseconds from its own beginning, and its value."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self._started = time.process_time()
        self.steps: list[tuple[float, float]] = []

    def trial(self, support: np.ndarray) -> Trial | None:
        """Return what is known of the choice, see `Incumbent.trial`."""
        before, found = self.best, super().trial(support)
        if self.best is not None and self.best is not before:
            self.steps.append((1e3 * (time.process_time() - self._started), self.best[0]))
        return found


class _WatchedSearch(Search):
    """A search whose steps are noted."""

    def __init__(self, program: Program, most_nodes: int, is_late: Callable[[], bool]) -> None:
        super().__init__(program, most_nodes, is_late)
        self._incumbent = self.watched = _Watched(program)


def _searched(form: StandardForm, seconds: float) -> tuple[Choice, float, list[tuple[float, float]]]:
    """Return the choice, the CPU milliseconds of the search, and when it held which value."""
    started = time.process_time()
    search = _WatchedSearch(program_of(form, LIMIT), _MOST_NODES, lambda: time.process_time() - started >= seconds)
    choice = search.run(lambda: None)
    if choice is None:
        raise RuntimeError("the case has no choice of positions")
    return choice, 1e3 * (time.process_time() - started), search.watched.steps


def _worth(case: Case, form: StandardForm, value: float) -> float:
    """Return the objective in the request's units: utility, or variance."""
    if not isinstance(case.goal, MeanVarianceUtility):
        return value * form.goal.price
    expected = case.moments.expected_net
    return float(0.5 * (expected.max() + expected.min()) - value * form.goal.price)


def _exact(program: Program, python: Path) -> dict[str, Any]:
    """Return SCIP's time, and its choice valued by the same small program as ours."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "problem.npz"
        names = ("quadratic", "root", "own", "linear", "low", "high", "count", "matrix", "limits", "current")
        turnover = 1.0 if program.max_turnover is None else program.max_turnover
        np.savez(path, max_turnover=turnover, **{name: getattr(program, name) for name in names})
        command = [str(python), str(_SCRIPT), str(path), str(_EXACT_SECONDS)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": ""})
    answer = dict(json.loads(done.stdout.splitlines()[-1]))
    trial = Restricted(program).best(np.array(answer["places"]))
    answer["value"] = float("inf") if trial is None or not trial.is_kept else trial.merit
    return answer


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.optimizer.positions")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--exact", type=Path, help="an interpreter with pyscipopt; by default the peers' environment")
    parser.add_argument("--no-exact", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
