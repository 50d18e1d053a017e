"""Speed of mean-variance with class bands and turnover: ours, the raw solver and three libraries, in one run.

    python -m benchmarks.optimizer [--sizes 30,100,500,1000] [--no-peers]

CPU time, one thread, medians. Ours is the whole answer to a prepared job (moments, optimum, certificate, shadow
prices, risk) in factor form; raw is PIQP's set-up and solve on matrices written by hand; a peer gets the equivalent
dense covariance. Ours and raw are measured turn by turn. Exit status 1 if any optimum differs.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.optimizer.cases import UTILITY, contradictory, form_of, job, moments_of, without_turnover
from benchmarks.optimizer.peers_run import NAMES, PeerRun, peers_python, run_peer
from benchmarks.optimizer.raw import raw_solver
from services.optimizer.answers import Infeasible, OptimizeJob, Portfolio
from services.optimizer.engine import optimize
from services.optimizer.solve import Solver

# Utility lost against ours, as a share of it: what the peers' default accuracies leave. It is below zero where a
# peer breaks limits by its accuracy.
_SAME_UTILITY = 5e-4
_SECONDS_PER_SIZE = 1.5
_PEER_REPEATS = 5
_VERSIONS = ("numpy", "scipy", "cvxpy", "piqp", "highspy")


@dataclass(frozen=True)
class Measured:
    """CPU milliseconds at one size, and how far raw's utility is from ours."""

    ours: float
    raw: float
    infeasible: float
    raw_gap: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; return the exit status."""
    options = _options(arguments)
    load = os.getloadavg()[0]
    python = None if options.no_peers else peers_python()
    print(f"load {load:.1f} on {os.cpu_count()} cores; " + _versions())
    print(f"{'n':>5} {'library':<22} {'CPU ms':>10} {'to ours':>9} {'to raw':>8}  utility lost against ours")
    wrong = 0
    for count in (int(size) for size in options.sizes.split(",")):
        solver = Solver()
        measured = _measured(job(count), contradictory(count), solver)
        print(f"{count:>5} {'fiducia':<22} {measured.ours:>10.2f} {1:>8.2f}x {measured.ours / measured.raw:>7.2f}x")
        _line(count, "raw PIQP", measured.raw, measured, f"{measured.raw_gap:.1e}")
        wrong += measured.raw_gap > _SAME_UTILITY
        for name in NAMES if python else ():
            request = without_turnover(job(count)) if name == "Riskfolio-Lib" else job(count)
            with tempfile.TemporaryDirectory() as folder:
                run = run_peer(python or Path(), name, request, Path(folder) / "problem.npz", _PEER_REPEATS)
            wrong += _peer_line(count, name, run, request, measured, solver)
        print(f"{count:>5} {'(infeasible)':<22} {measured.infeasible:>10.2f}", flush=True)
    print("Riskfolio-Lib has no limit on the sum of purchases: it solves the easier problem without one.")
    return 1 if wrong else 0


def _measured(request: OptimizeJob, impossible: OptimizeJob, solver: Solver) -> Measured:
    raw = raw_solver(form_of(request))
    answer = _portfolio(request, solver)
    gap = _utility_lost(request, answer.weights, np.asarray(raw().x)[: len(answer.weights)])
    ours, theirs = _by_turns(lambda: optimize(request, solver), raw)
    assert isinstance(optimize(impossible, solver), Infeasible)
    (infeasible,) = _by_turns(lambda: optimize(impossible, solver))
    return Measured(ours, theirs, infeasible, gap)


def _by_turns(*works: Callable[[], Any]) -> list[float]:
    """Return the median CPU milliseconds of each, called in turn so that the machine's load falls on all alike."""
    times: list[list[float]] = [[] for _ in works]
    started = time.monotonic()
    while time.monotonic() - started < _SECONDS_PER_SIZE:
        for work, own in zip(works, times, strict=True):
            before = time.process_time()
            work()
            own.append(1e3 * (time.process_time() - before))
    return [statistics.median(own) for own in times]


def _peer_line(count: int, name: str, run: PeerRun, request: OptimizeJob, measured: Measured, solver: Solver) -> bool:
    """Print the peer's line; return whether its optimum differs from ours."""
    if run.cpu_ms is None:
        print(f"{count:>5} {name:<22} {'-':>10}  {run.note}")
        return False
    lost = _utility_lost(request, _portfolio(request, solver).weights, np.array(run.weights))
    _line(count, f"{name} {run.version}", run.cpu_ms, measured, f"{lost:.1e}")
    return abs(lost) > _SAME_UTILITY


def _line(count: int, name: str, cpu_ms: float, measured: Measured, lost: str) -> None:
    ours, raw = cpu_ms / measured.ours, cpu_ms / measured.raw
    print(f"{count:>5} {name:<22} {cpu_ms:>10.2f} {ours:>8.1f}x {raw:>7.1f}x  {lost}", flush=True)


def _portfolio(request: OptimizeJob, solver: Solver) -> Portfolio:
    answer = optimize(request, solver)
    if not isinstance(answer, Portfolio):
        raise TypeError("the problem of the benchmark has no optimum")
    return answer


def _utility_lost(request: OptimizeJob, ours: Any, theirs: Any) -> float:
    """Return how much lower the utility of their weights is than that of ours, as a share of ours."""
    moments = moments_of(request)

    def utility(weights: Any) -> float:
        return float(weights @ moments.expected_net) - 0.5 * UTILITY.risk_aversion * moments.variance(weights)

    return (utility(ours) - utility(theirs)) / abs(utility(ours))


def _versions() -> str:
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _VERSIONS)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.optimizer")
    parser.add_argument("--sizes", default="30,100,500,1000")
    parser.add_argument("--no-peers", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
