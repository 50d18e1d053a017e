"""Speed of mean-variance with class bands and turnover: ours, the raw solver and three libraries, in one run.

    python -m benchmarks.optimizer [--sizes 30,100,500,1000] [--no-peers]

CPU time, one thread, each one's best call. Ours is the whole answer to a prepared job (moments, optimum, certificate,
shadow prices, risk) in factor form; raw is PIQP's set-up and solve on matrices written by hand; a peer gets the
equivalent dense covariance. A second table compares answers to dense estimates, a third lists refusals. Progress goes
to standard error. Exit status 1 if any optimum differs.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.optimizer.cases import job, without_turnover
from benchmarks.optimizer.ours import Measured, best, measured, utility_lost
from benchmarks.optimizer.peers_run import NAMES, SECONDS, PeerRun, peers_python, run_peer
from services.optimizer.solve import Solver

# Utility lost against ours, as a share of it: what the peers' default accuracies leave. It is below zero where a
# peer breaks limits by its accuracy.
_SAME_UTILITY = 5e-4
_PEER_REPEATS = 5
_GOALS_AT = 100
_VERSIONS = ("numpy", "scipy", "cvxpy", "piqp", "highspy")
_Runs = dict[str, PeerRun]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; return the exit status."""
    options = _options(arguments)
    python = None if options.no_peers else peers_python()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; " + _versions())
    print(f"{'n':>5} {'factor form':<22} {'CPU ms':>10} {'to ours':>9} {'to raw':>8}  utility lost against ours")
    sizes = [int(size) for size in options.sizes.split(",")]
    figures, peers, wrong = dict[int, Measured](), dict[int, _Runs](), 0
    for count in sizes:
        _progress(f"ours and raw, {count} products")
        figures[count] = measured(count)
        wrong += _our_lines(count, figures[count])
        slow = [name for runs in peers.values() for name, run in runs.items() if run.cpu_ms is None]
        peers[count] = _peers(count, python, slow, figures[count]) if python else {}
        wrong += sum(abs(run.lost) > _SAME_UTILITY for run in peers[count].values())
    _dense_table(figures, peers)
    _infeasible_table(figures)
    print("Riskfolio-Lib has no limit on the sum of purchases: it solves the easier problem without one.")
    print(
        f"A peer has {SECONDS} s of CPU for starting and its solves; one that needs more is not tried on more products."
    )
    return 1 if wrong else 0


def _our_lines(count: int, found: Measured) -> bool:
    """Print ours and the raw solver; return whether the raw optimum is another one."""
    print(f"{count:>5} {'fiducia':<22} {found.ours:>10.2f} {1:>8.1f}x {found.ours / found.raw:>7.2f}x")
    _line(count, "raw PIQP", found.raw, found, f"{found.raw_lost:.1e}")
    return abs(found.raw_lost) > _SAME_UTILITY


def _peers(count: int, python: Path, slow: Sequence[str], found: Measured) -> _Runs:
    """Print a line for each peer and return what it took."""
    runs, solver = _Runs(), Solver()
    for name in NAMES:
        if name in slow:
            print(f"{count:>5} {name:<22} {'-':>10}  not tried", flush=True)
            continue
        _progress(f"{name}, {count} products")
        request = without_turnover(job(count)) if name == "Riskfolio-Lib" else job(count)
        with tempfile.TemporaryDirectory() as folder:
            run = run_peer(python, name, request, Path(folder) / "problem.npz", _PEER_REPEATS)
        if run.cpu_ms is None:
            print(f"{count:>5} {name:<22} {'-':>10}  {run.note}", flush=True)
        else:
            run = replace(run, lost=utility_lost(request, best(request, solver), np.array(run.weights)))
            _line(count, f"{name} {run.version}", run.cpu_ms or 0.0, found, f"{run.lost:.1e}")
        runs[name] = run
    return runs


def _line(count: int, name: str, cpu_ms: float, found: Measured, lost: str) -> None:
    ours, raw = cpu_ms / found.ours, cpu_ms / found.raw
    print(f"{count:>5} {name:<22} {cpu_ms:>10.2f} {ours:>8.1f}x {raw:>7.1f}x  {lost}", flush=True)


def _dense_table(figures: dict[int, Measured], peers: dict[int, _Runs]) -> None:
    print(f"\n{'n':>5} {'dense estimates':<22} {'CPU ms':>10} {'fastest peer':>14} {'CPU ms':>10} {'to ours':>9}")
    for count, found in figures.items():
        finished = {name: run.cpu_ms for name, run in peers[count].items() if run.cpu_ms is not None}
        line = f"{count:>5} {'fiducia':<22} {found.dense:>10.2f}"
        if finished:
            name = min(finished, key=lambda one: finished[one])
            line += f" {name:>14} {finished[name]:>10.2f} {finished[name] / found.dense:>8.1f}x"
        print(line)


def _infeasible_table(figures: dict[int, Measured]) -> None:
    print(f"\n{'n':>5} {'contradictory limits':<42} {'CPU ms':>10}  goal at n = 100")
    for count, found in figures.items():
        for name, (milliseconds, goal) in found.infeasible.items():
            print(
                f"{count:>5} {name:<42} {milliseconds:>10.2f}  {f'{goal:g} ms' if count == _GOALS_AT else ''}".rstrip()
            )
    print()


def _progress(text: str) -> None:
    print(f"… {text}", file=sys.stderr, flush=True)


def _versions() -> str:
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _VERSIONS)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.optimizer")
    parser.add_argument("--sizes", default="30,100,500,1000")
    parser.add_argument("--no-peers", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
