"""Speed of mean-CVaR over scenarios: ours cold and warm, and three libraries, in one run.

    python -m benchmarks.optimizer.tails [--products 100] [--scenarios 2500] [--no-peers]

CPU time, one thread. Ours is the whole answer to a request that carries the scenarios (moments, optimum, certificate,
shadow prices, risk). Cold: nothing is known of the scenarios, the best of a few. Warm: the median of a stream of
requests over the same scenarios, none of which is asked twice. A peer builds and solves one of them, its best of a
few. Exit status 1 if any optimum differs.
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
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.optimizer.cases import market
from benchmarks.optimizer.peers_run import NAMES, peers_python, run_written
from services.optimizer.answers import Infeasible, OptimizeJob, Portfolio
from services.optimizer.engine import optimize
from services.optimizer.estimates import Estimates, Scenarios
from services.optimizer.objective import MeanCvarUtility, MeanVarianceUtility, MinimumCvar, Wanted
from services.optimizer.problem import Bound, CvarLimit, Group, Limits, Problem, Product
from services.optimizer.solve import Solver
from services.optimizer.tails import mean_loss

_CONFIDENCE, _AVERSION = 0.95, 1.0
_CLASSES, _BAND, _CAP = 6, Bound(0.05, 0.35), 0.1
# What the peers' default accuracies leave, as a share of the utility.
_SAME_UTILITY = 5e-4
_REQUESTS, _COLD, _PEER_REPEATS = 40, 3, 3
_VERSIONS = ("numpy", "highspy", "piqp")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; return the exit status."""
    options = _options(arguments)
    returns = _returns(options.products, options.scenarios)
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _VERSIONS)
    print(f"{options.products} products, {options.scenarios} scenarios; load {os.getloadavg()[0]:.1f}; {versions}")
    utility, least = MeanCvarUtility(_CONFIDENCE, _AVERSION), MinimumCvar(_CONFIDENCE)
    print(f"{'':<34} {'CPU ms':>9} {'to warm':>8}  utility lost against ours")
    solver = Solver()
    ours = _portfolio(_job(returns, utility), solver)
    cold = [_cpu_ms(lambda: _portfolio(_job(returns, utility), Solver())) for _ in range(_COLD)]
    # What the stream needs of the ladder is solved once for the scenarios, as a service that runs for long has.
    stream = _stream(returns)
    for job in stream:
        _portfolio(job, solver)
    warm = statistics.median(_cpu_ms(partial(_portfolio, job, solver)) for job in _stream(returns, shift=1e-4))
    _line("fiducia, warm (stream)", warm, warm)
    _line("fiducia, cold", min(cold), warm)
    wrong = 0 if options.no_peers else _peers(returns, ours, warm)
    _line("minimum CVaR, warm", min(_cpu_ms(lambda: _portfolio(_job(returns, least), solver)) for _ in range(5)), warm)
    _limited(returns, solver, warm)
    return 1 if wrong else 0


def _limited(returns: np.ndarray, solver: Solver, warm: float) -> None:
    """Print the times of mean-variance under a limit on the loss, and of a loss that nobody keeps."""
    lowest = mean_loss(returns @ _portfolio(_job(returns, MinimumCvar(_CONFIDENCE)), solver).weights, _CONFIDENCE)
    for room in (0.02, 0.3, -0.1):
        job = _job(returns, MeanVarianceUtility(4.0), CvarLimit(lowest + room * abs(lowest), _CONFIDENCE))
        answer = optimize(job, solver)
        assert isinstance(answer, Infeasible) == (room < 0.0)
        name = f"max_cvar {room:+.0%} of the least, {'infeasible' if room < 0.0 else 'mean-variance'}"
        _line(name, min(_cpu_ms(partial(optimize, job, solver)) for _ in range(3)), warm)


def _peers(returns: np.ndarray, ours: Portfolio, warm: float) -> int:
    """Print the peers' lines; return how many found another optimum."""
    python, wrong = peers_python(), 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "problem.npz"
        np.savez(
            path,
            returns=returns,
            expected=returns.mean(axis=0),
            classes=np.arange(returns.shape[1]) % _CLASSES,
            band=np.array([_BAND.minimum, _BAND.maximum]),
            cap=np.full(returns.shape[1], _CAP),
            aversion=np.array(_AVERSION),
            confidence=np.array(_CONFIDENCE),
        )
        for name in NAMES:
            run = run_written(python, f"{name} CVaR", path, _PEER_REPEATS)
            if run.cpu_ms is None:
                print(f"{name:<34} {'-':>9}  {run.note}")
                continue
            lost = _utility(returns, ours.weights) - _utility(returns, np.array(run.weights))
            share = lost / abs(_utility(returns, ours.weights))
            _line(f"{name} {run.version}", run.cpu_ms, warm, f"{share:.1e}")
            wrong += abs(share) > _SAME_UTILITY
    return wrong


def _utility(returns: np.ndarray, weights: np.ndarray) -> float:
    outcomes = returns @ weights
    return float(outcomes.mean()) - _AVERSION * mean_loss(outcomes, _CONFIDENCE)


def _stream(returns: np.ndarray, shift: float = 0.0) -> list[OptimizeJob]:
    """Return requests that differ in risk aversion, in the largest weight and in the bands."""
    draw, jobs = np.random.default_rng(3), []
    for _ in range(_REQUESTS):
        job = _job(returns, MeanCvarUtility(_CONFIDENCE, float(draw.uniform(0.5, 2.0)) + shift))
        cap, most = float(draw.uniform(0.06, 0.2)), float(draw.uniform(0.25, 0.5))
        limits = replace(
            job.problem.limits,
            products={product.id: Bound(maximum=cap) for product in job.problem.products},
            groups=tuple(replace(group, bound=Bound(0.05, most)) for group in job.problem.limits.groups),
        )
        jobs.append(replace(job, problem=replace(job.problem, limits=limits)))
    return jobs


def _job(returns: np.ndarray, objective: Wanted, limit: CvarLimit | None = None) -> OptimizeJob:
    products = tuple(Product(f"p{i:04d}", f"class{i % _CLASSES}", {}, 0.0, 0.0) for i in range(returns.shape[1]))
    limits = Limits(
        products={product.id: Bound(maximum=_CAP) for product in products},
        groups=tuple(Group(f"band{i}", _BAND, frozenset({f"class{i}"})) for i in range(_CLASSES)),
        max_cvar=limit,
    )
    estimates = Estimates(scenarios=Scenarios(returns, horizon_years=1.0))
    return OptimizeJob(Problem("USD", products, limits, estimates=estimates), market(), objective)


def _returns(products: int, scenarios: int) -> np.ndarray:
    """Return outcomes with eight common factors and heavy tails, (scenarios, products)."""
    draw = np.random.default_rng(11)
    root = 0.02 * draw.normal(size=(8, products))
    own = 0.02 * draw.standard_t(5, size=(scenarios, products))
    return np.asarray(draw.standard_t(5, size=(scenarios, 8)) @ root + own + draw.uniform(0.0, 0.008, products))


def _portfolio(job: OptimizeJob, solver: Solver) -> Portfolio:
    answer = optimize(job, solver)
    if not isinstance(answer, Portfolio):
        raise TypeError("the problem of the benchmark has no optimum")
    return answer


def _cpu_ms(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return 1e3 * (time.process_time() - before)


def _line(name: str, cpu_ms: float, warm: float, lost: str = "") -> None:
    print(f"{name:<34} {cpu_ms:>9.1f} {cpu_ms / warm:>7.1f}x  {lost}", flush=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.optimizer.tails")
    parser.add_argument("--products", type=int, default=100)
    parser.add_argument("--scenarios", type=int, default=2_500)
    parser.add_argument("--no-peers", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
