"""Solves one problem with one peer and prints CPU times as JSON. Runs in the peers' own environment.

python peer.py NAME PROBLEM.npz REPEATS
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

Problem = dict[str, Any]
# Repeats stop after this much CPU time.
_SECONDS = 20.0


def pyportfolioopt(problem: Problem) -> Callable[[], Any]:
    """Return what builds and solves the problem, as PyPortfolioOpt's guide says."""
    cp, pypfopt = import_module("cvxpy"), import_module("pypfopt")

    names = {i: f"class{number}" for i, number in enumerate(problem["classes"])}
    low, high = ({name: float(side) for name in set(names.values())} for side in problem["band"])

    def solve() -> Any:
        frontier = pypfopt.EfficientFrontier(
            problem["expected"], problem["covariance"], [(0.0, float(cap)) for cap in problem["cap"]]
        )
        frontier.add_sector_constraints(names, low, high)
        limit = 2.0 * float(problem["max_turnover"])
        frontier.add_constraint(lambda w: cp.norm1(w - problem["current"]) <= limit)
        return list(frontier.max_quadratic_utility(float(problem["aversion"])).values())

    return solve


def skfolio(problem: Problem) -> Callable[[], Any]:
    """Return what fits skfolio's MeanRisk with the moments given by a prior."""
    cp, priors = import_module("cvxpy"), import_module("skfolio.prior")
    models = import_module("skfolio.optimization")

    returns = np.random.default_rng(0).normal(size=(5, len(problem["expected"])))

    class Given(priors.BasePrior):  # type: ignore[name-defined]
        def __init__(self) -> None:
            """Take no settings."""

        def fit(self, X: Any, y: Any = None, **_: Any) -> Any:  # noqa: N803, ARG002
            self.return_distribution_ = priors.ReturnDistribution(
                mu=problem["expected"], covariance=problem["covariance"], returns=returns
            )
            return self

    names = [[f"class{number}" for number in problem["classes"]]]
    bands = [
        f"{name} {sign} {side}"
        for name in sorted(set(names[0]))
        for sign, side in zip((">=", "<="), problem["band"], strict=True)
    ]
    limit = 2.0 * float(problem["max_turnover"])

    def solve() -> Any:
        model = models.MeanRisk(
            objective_function=models.ObjectiveFunction.MAXIMIZE_UTILITY,
            risk_aversion=float(problem["aversion"]) / 2.0,
            prior_estimator=Given(),
            max_weights=problem["cap"],
            groups=names,
            linear_constraints=bands,
            add_constraints=lambda w: [cp.norm1(w - problem["current"]) <= limit],
        )
        return model.fit(returns).weights_

    return solve


def riskfolio(problem: Problem) -> Callable[[], Any]:
    """Return what solves Riskfolio-Lib's classic model. It has turnover per asset only, so that limit is left out."""
    pd, rp = import_module("pandas"), import_module("riskfolio")

    count = len(problem["expected"])
    names = [f"p{i}" for i in range(count)]
    returns = pd.DataFrame(np.random.default_rng(0).normal(size=(5, count)), columns=names)
    members = np.array([problem["classes"] == number for number in sorted(set(problem["classes"]))], dtype=float)
    low, high = problem["band"]
    matrix = np.vstack([members, -members, np.eye(count)])
    right = np.concatenate([np.full(len(members), high), np.full(len(members), -low), problem["cap"]])[:, None]

    def solve() -> Any:
        portfolio = rp.Portfolio(returns=returns)
        portfolio.mu = pd.DataFrame([problem["expected"]], columns=names)
        portfolio.cov = pd.DataFrame(problem["covariance"], index=names, columns=names)
        portfolio.ainequality, portfolio.binequality = matrix, right
        found = portfolio.optimization(model="Classic", rm="MV", obj="Utility", l=float(problem["aversion"]) / 2.0)
        return found["weights"].to_numpy()

    return solve


def pyportfolioopt_cvar(problem: Problem) -> Callable[[], Any]:
    """Return what minimises loss less return with PyPortfolioOpt's EfficientCVaR."""
    cp, pypfopt = import_module("cvxpy"), import_module("pypfopt")
    expected, aversion = problem["expected"], float(problem["aversion"])
    bounds = [(0.0, float(cap)) for cap in problem["cap"]]
    low, high = problem["band"]
    groups = [problem["classes"] == number for number in sorted(set(problem["classes"]))]

    def solve() -> Any:
        model = pypfopt.EfficientCVaR(
            expected, problem["returns"], beta=float(problem["confidence"]), weight_bounds=bounds
        )
        for members in groups:
            model.add_constraint(lambda w, members=members: cp.sum(w[members]) >= low)
            model.add_constraint(lambda w, members=members: cp.sum(w[members]) <= high)
        model.add_objective(lambda w: -(expected @ w) / aversion)
        return list(model.min_cvar().values())

    return solve


def skfolio_cvar(problem: Problem) -> Callable[[], Any]:
    """Return what fits skfolio's MeanRisk with CVaR; it estimates the same sample mean from the scenarios."""
    models, measures = import_module("skfolio.optimization"), import_module("skfolio")
    names = [[f"class{number}" for number in problem["classes"]]]
    bands = [
        f"{name} {sign} {side}"
        for name in sorted(set(names[0]))
        for sign, side in zip((">=", "<="), problem["band"], strict=True)
    ]

    def solve() -> Any:
        model = models.MeanRisk(
            objective_function=models.ObjectiveFunction.MAXIMIZE_UTILITY,
            risk_measure=measures.RiskMeasure.CVAR,
            risk_aversion=float(problem["aversion"]),
            cvar_beta=float(problem["confidence"]),
            max_weights=problem["cap"],
            groups=names,
            linear_constraints=bands,
        )
        return model.fit(problem["returns"]).weights_

    return solve


def riskfolio_cvar(problem: Problem) -> Callable[[], Any]:
    """Return what solves Riskfolio-Lib's classic model with CVaR."""
    pd, rp = import_module("pandas"), import_module("riskfolio")
    returns = pd.DataFrame(problem["returns"])
    members = np.array([problem["classes"] == number for number in sorted(set(problem["classes"]))], dtype=float)
    low, high = problem["band"]
    matrix = np.vstack([members, -members, np.eye(len(problem["cap"]))])
    right = np.concatenate([np.full(len(members), high), np.full(len(members), -low), problem["cap"]])[:, None]

    def solve() -> Any:
        portfolio = rp.Portfolio(returns=returns, alpha=1.0 - float(problem["confidence"]))
        portfolio.assets_stats(method_mu="hist", method_cov="hist")
        portfolio.ainequality, portfolio.binequality = matrix, right
        found = portfolio.optimization(model="Classic", rm="CVaR", obj="Utility", l=float(problem["aversion"]))
        return found["weights"].to_numpy()

    return solve


PEERS = {
    "PyPortfolioOpt": pyportfolioopt,
    "skfolio": skfolio,
    "Riskfolio-Lib": riskfolio,
    "PyPortfolioOpt CVaR": pyportfolioopt_cvar,
    "skfolio CVaR": skfolio_cvar,
    "Riskfolio-Lib CVaR": riskfolio_cvar,
}


def main() -> None:
    """Solve until the repeats or the time are used up; the first solve warms up and counts where it is the only one."""
    warnings.simplefilter("ignore")
    name, path, repeats = sys.argv[1], sys.argv[2], int(sys.argv[3])
    solve = PEERS[name](dict(np.load(path)))
    times: list[float] = []
    weights: Any = None
    while len(times) <= repeats and sum(times) < _SECONDS:
        before = time.process_time()
        weights = solve()
        times.append(time.process_time() - before)
    answer = {
        "version": importlib.metadata.version(name.removesuffix(" CVaR")),
        "cpu_ms": 1e3 * min(times[1:] or times),
        "weights": np.asarray(weights, dtype=float).ravel().tolist(),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
